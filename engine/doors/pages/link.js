// A websocket that comes back: says hello whenever it opens, waits a little longer after each failure. A phone that
// changes networks keeps a socket that looks open and is dead: a pulse finds it out, in seconds and not in minutes.

const PULSE = 4000; // milliseconds between questions
const DEAD = 9000; // milliseconds without a word after which the other side is gone

export class Link {
  constructor(path, { hello = () => null, hear = () => {}, changed = () => {} }) {
    Object.assign(this, { path, hello, hear, changed, tries: 0, open: false, heard: 0 });
    this.connect();
    setInterval(() => this.pulse(), PULSE);
    addEventListener("online", () => this.renew());
    document.addEventListener("visibilitychange", () => { if (!document.hidden) this.pulse(); });
  }

  connect() {
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    const socket = this.socket = new WebSocket(`${scheme}//${location.host}${this.path}`);
    socket.binaryType = "arraybuffer";
    socket.onopen = () => {
      this.open = true;
      this.tries = 0;
      this.heard = performance.now();
      const hello = this.hello();
      if (hello) this.send(hello);
      this.changed(true);
    };
    socket.onmessage = ({ data }) => {
      this.heard = performance.now();
      const news = typeof data === "string" ? JSON.parse(data) : data;
      if (news.t !== "pulse") this.hear(news);
    };
    socket.onclose = () => {
      if (this.open) this.changed(false);
      this.open = false;
      clearTimeout(this.again);
      this.again = setTimeout(() => this.connect(), Math.min(4000, 250 * 2 ** this.tries++));
    };
  }

  pulse() {
    if (!this.open) return;
    if (performance.now() - this.heard > DEAD) this.renew();
    else this.send({ t: "pulse" });
  }

  // Leave this socket for a new one; its own goodbye may take minutes to arrive nowhere.
  renew() {
    const old = this.socket;
    old.onclose = old.onmessage = old.onopen = null;
    old.close();
    if (this.open) this.changed(false);
    this.open = false;
    clearTimeout(this.again);
    this.connect();
  }

  // True if it left; what did not is the caller's to say again.
  send(what) {
    if (!this.open || this.socket.readyState !== WebSocket.OPEN) return false;
    this.socket.send(JSON.stringify(what));
    return true;
  }
}
