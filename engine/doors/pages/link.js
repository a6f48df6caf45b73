// A websocket that comes back: says hello whenever it opens, waits a little longer after each failure.

export class Link {
  constructor(path, { hello = () => null, hear = () => {}, changed = () => {} }) {
    Object.assign(this, { path, hello, hear, changed, tries: 0, open: false });
    this.connect();
  }

  connect() {
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    const socket = this.socket = new WebSocket(`${scheme}//${location.host}${this.path}`);
    socket.binaryType = "arraybuffer";
    socket.onopen = () => {
      this.open = true;
      this.tries = 0;
      const hello = this.hello();
      if (hello) this.send(hello);
      this.changed(true);
    };
    socket.onmessage = ({ data }) => this.hear(typeof data === "string" ? JSON.parse(data) : data);
    socket.onclose = () => {
      if (this.open) this.changed(false);
      this.open = false;
      setTimeout(() => this.connect(), Math.min(4000, 250 * 2 ** this.tries++));
    };
  }

  // True if it left; what did not is the caller's to say again.
  send(what) {
    if (!this.open || this.socket.readyState !== WebSocket.OPEN) return false;
    this.socket.send(JSON.stringify(what));
    return true;
  }
}
