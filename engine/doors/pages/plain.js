// The live view without a player for streams: JPEGs on a canvas, samples through Web Audio.

const RATE = 24000, LEAD = 0.15; // samples a second; seconds that sound is scheduled ahead

export class Plain {
  constructor(canvas, video, why, listen) {
    Object.assign(this, { canvas, pen: canvas.getContext("2d"), why, tries: 0, at: 0 });
    video.hidden = true;
    canvas.hidden = false;
    listen.hidden = false;
    this.connect();
  }

  connect() {
    const socket = new WebSocket(`${location.protocol === "https:" ? "wss:" : "ws:"}//${location.host}/live/plain`);
    socket.binaryType = "arraybuffer";
    socket.onmessage = ({ data }) => {
      this.tries = 0;
      const kind = new Uint8Array(data, 0, 1)[0];
      if (kind === 0x4a) this.show(new Blob([data.slice(1)], { type: "image/jpeg" }));
      else this.hear(new Int16Array(data.slice(1)));
    };
    socket.onclose = () => setTimeout(() => this.connect(), Math.min(4000, 300 * 2 ** this.tries++));
  }

  async show(blob) {
    try {
      const picture = await createImageBitmap(blob);
      if (this.canvas.width !== picture.width) Object.assign(this.canvas, { width: picture.width, height: picture.height });
      this.pen.drawImage(picture, 0, 0);
      picture.close();
      this.why.textContent = "";
      this.canvas.dataset.pictures = String(1 + Number(this.canvas.dataset.pictures ?? 0));
    } catch { /* one picture that cannot be read is followed by the next */ }
  }

  listen() { this.sound ??= new (window.AudioContext ?? window.webkitAudioContext)(); this.sound.resume(); }

  hear(samples) {
    if (!this.sound || !samples.length) return;
    const buffer = this.sound.createBuffer(1, samples.length, RATE), to = buffer.getChannelData(0);
    for (let i = 0; i < samples.length; i++) to[i] = samples[i] / 32768;
    const source = this.sound.createBufferSource();
    source.buffer = buffer;
    source.connect(this.sound.destination);
    if (this.at < this.sound.currentTime || this.at > this.sound.currentTime + 1) this.at = this.sound.currentTime + LEAD;
    source.start(this.at);
    this.at += buffer.duration;
  }
}
