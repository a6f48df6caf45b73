// The live view: fragments of the stage's own recording, played as they are made: by MediaSource, by ManagedMediaSource
// (iPhones since iOS 17.1), or, where there is neither, as JPEGs and samples. Whatever breaks begins anew.

import { Plain } from "./plain.js";

const video = document.getElementById("wall"), why = document.getElementById("why"), listen = document.getElementById("listen");
const BEHIND = 2.5; // seconds behind the live edge at which to jump to it
const KEPT = 20; // seconds of what was shown that stay in memory
const STUCK = 6000; // milliseconds with fragments and without a new picture after which the player is made anew
const Source = window.ManagedMediaSource ?? window.MediaSource;

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
    this.source = new Source();
    this.opened = new Promise((done) => this.source.addEventListener("sourceopen", done, { once: true }));
    video.disableRemotePlayback = true; // ManagedMediaSource wants this, or AirPlay
    URL.revokeObjectURL(video.src);
    video.src = URL.createObjectURL(this.source);
  }

  async begin() {
    const type = codecs(this.waiting[0]);
    if (!Source.isTypeSupported(type)) throw new Error(`this browser does not play ${type}`);
    await this.opened;
    this.buffer = this.source.addSourceBuffer(type);
    this.buffer.addEventListener("updateend", () => this.pump());
    this.buffer.addEventListener("error", () => anew("the picture broke off"));
    this.pump();
  }

  push(piece) {
    this.waiting.push(piece);
    if (this.waiting.length > 200) this.waiting.splice(1, 100); // a tab that sleeps
    this.pump();
  }

  pump() {
    if (!this.buffer || this.buffer.updating || this.source.readyState !== "open") return;
    try {
      const { buffered } = this.buffer;
      if (buffered.length && video.currentTime - buffered.start(0) > 2 * KEPT) return this.buffer.remove(0, video.currentTime - KEPT);
      const piece = this.waiting.shift();
      if (piece) this.buffer.appendBuffer(piece);
      this.follow();
    } catch (wrong) { anew(wrong.message); }
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

let player, socket, plain, tries = 0, heard = 0, moved = { at: 0, time: -1 };

function connect() {
  socket = new WebSocket(`${location.protocol === "https:" ? "wss:" : "ws:"}//${location.host}/live`);
  socket.binaryType = "arraybuffer";
  socket.onmessage = async ({ data }) => {
    if (typeof data === "string") { why.textContent = JSON.parse(data).why ?? ""; return; }
    const bytes = new Uint8Array(data);
    heard = performance.now();
    if (String.fromCharCode(...bytes.subarray(4, 8)) !== "ftyp") return player?.push(bytes);
    player = new Player(bytes); // an init segment: the stream begins, or begins anew
    moved = { at: performance.now(), time: -1 };
    try { await player.begin(); tries = 0; why.textContent = ""; listen.hidden = !video.muted; }
    catch (wrong) { why.textContent = wrong.message; if (/does not play/.test(wrong.message)) simply(); }
  };
  socket.onclose = () => setTimeout(connect, Math.min(4000, 300 * 2 ** tries++));
}

// After any media error: another socket, another player, from the live edge.
function anew(what) {
  if (!socket || plain) return;
  why.textContent = what;
  player = undefined;
  socket.onclose = socket.onmessage = null;
  socket.close();
  socket = undefined;
  setTimeout(connect, Math.min(4000, 300 * 2 ** tries++));
}

function simply() {
  if (socket) { socket.onclose = socket.onmessage = null; socket.close(); socket = undefined; }
  plain ??= new Plain(document.getElementById("plain"), video, why, listen);
}

setInterval(() => {
  if (plain || !player || document.hidden) return;
  const now = performance.now();
  if (video.currentTime !== moved.time) moved = { at: now, time: video.currentTime };
  else if (now - moved.at > STUCK && now - heard < 1000) anew("the picture stood still");
}, 1000);

listen.addEventListener("click", () => {
  listen.hidden = true;
  if (plain) return plain.listen();
  video.muted = false;
  video.play();
});
video.addEventListener("error", () => anew(video.error?.message || "the picture broke off"));
if (Source) connect();
else simply();
