// The live view: fragments of the stage's own recording, played through MediaSource as they are made.

const video = document.getElementById("wall"), why = document.getElementById("why"), listen = document.getElementById("listen");
const BEHIND = 2.5; // seconds behind the live edge at which to jump to it
const KEPT = 20; // seconds of what was shown that stay in memory

// The codecs as the init segment names them: H.264's profile, constraints and level follow "avcC" and its version byte.
function codecs(bytes) {
  const text = new TextDecoder("latin1").decode(bytes), found = [];
  const video = text.indexOf("avcC");
  if (video > 0) found.push("avc1." + [5, 6, 7].map((i) => bytes[video + i].toString(16).padStart(2, "0")).join(""));
  if (text.includes("mp4a")) found.push("mp4a.40.2");
  if (text.includes("Opus")) found.push("opus");
  return `video/mp4; codecs="${found.join(", ")}"`;
}

class Player {
  constructor(init) {
    this.waiting = [init]; // before any fragment, however long the source takes to open
    this.source = new MediaSource();
    this.opened = new Promise((done) => this.source.addEventListener("sourceopen", done, { once: true }));
    video.src = URL.createObjectURL(this.source);
  }

  async begin() {
    const type = codecs(this.waiting[0]);
    if (!MediaSource.isTypeSupported(type)) throw new Error(`this browser does not play ${type}`);
    await this.opened;
    this.buffer = this.source.addSourceBuffer(type);
    this.buffer.addEventListener("updateend", () => this.pump());
    this.pump();
  }

  push(piece) {
    this.waiting.push(piece);
    this.pump();
  }

  pump() {
    if (!this.buffer || this.buffer.updating || this.source.readyState !== "open") return;
    const { buffered } = this.buffer;
    if (buffered.length && video.currentTime - buffered.start(0) > 2 * KEPT) return this.buffer.remove(0, video.currentTime - KEPT);
    const piece = this.waiting.shift();
    if (piece) this.buffer.appendBuffer(piece);
    this.follow();
  }

  // Stay near the live edge: a tab that slept or a stream that began in the middle starts from what there is.
  follow() {
    const { buffered } = video;
    if (!buffered.length) return;
    const start = buffered.start(buffered.length - 1), edge = buffered.end(buffered.length - 1);
    if (video.currentTime < start || edge - video.currentTime > BEHIND) video.currentTime = Math.max(start, edge - 0.4);
    if (video.paused) video.play().catch(() => {});
  }
}

let player, tries = 0;

function connect() {
  const socket = new WebSocket(`${location.protocol === "https:" ? "wss:" : "ws:"}//${location.host}/live`);
  socket.binaryType = "arraybuffer";
  socket.onmessage = async ({ data }) => {
    if (typeof data === "string") { why.textContent = JSON.parse(data).why ?? ""; return; }
    const bytes = new Uint8Array(data);
    tries = 0;
    if (String.fromCharCode(...bytes.subarray(4, 8)) !== "ftyp") return player?.push(bytes);
    player = new Player(bytes); // an init segment: the stream begins, or begins anew
    try { await player.begin(); why.textContent = ""; listen.hidden = !video.muted; }
    catch (wrong) { why.textContent = wrong.message; }
  };
  socket.onclose = () => setTimeout(connect, Math.min(4000, 300 * 2 ** tries++));
}

listen.addEventListener("click", () => { video.muted = false; listen.hidden = true; video.play(); });
video.addEventListener("error", () => { why.textContent = video.error?.message ?? "the picture broke off"; });
connect();
