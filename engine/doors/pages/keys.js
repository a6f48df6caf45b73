// What a key is worth before Enter: how surprising it was, in whole bits. The letter itself stays here.

// Letters of English and French mixed half and half, in per cent (Lewand 2000; Wikipedia's French corpus count), coarse
// on purpose: only classes of a whole bit are made of them.
const COMMON = { " ": 17, e: 12, a: 7, i: 6, s: 6, n: 6, t: 6.5, r: 5.3, o: 5.4, l: 4, u: 3.8, d: 3.2, h: 2.9, c: 2.5,
  m: 2.3, p: 2.1, é: 1, g: 1.2, f: 1.4, v: 1.1, b: 1.0, w: 1, y: 0.9, q: 0.6, "'": 0.6, ",": 0.8, ".": 0.7, j: 0.3,
  x: 0.25, k: 0.35, z: 0.1, è: 0.2, à: 0.25, ê: 0.12, ç: 0.06 };
const OLD = 6; // the general language weighs as much as so many letters of this sentence

export class Surprise {
  constructor() { this.forget(); }

  forget() {
    this.pairs = new Map();
    this.firsts = new Map();
    this.before = " ";
  }

  // -log2 p(letter | letter before), p learnt from this sentence on top of the language; whole bits, 1 to 12.
  bits(letter) {
    const small = letter.toLowerCase();
    const general = (COMMON[small] ?? 0.02) / 100;
    const pair = this.before + small;
    const seen = this.pairs.get(pair) ?? 0, from = this.firsts.get(this.before) ?? 0;
    const p = (seen + OLD * general) / (from + OLD);
    this.pairs.set(pair, seen + 1);
    this.firsts.set(this.before, from + 1);
    this.before = small;
    return Math.min(12, Math.max(1, Math.round(-Math.log2(p))));
  }
}

// The rhythm of the hand as a trace: a mark for each key, as high as it was surprising; deletions hang below the line.
export class Rhythm {
  SPAN = 12; // seconds from one edge to the other

  constructor(canvas) {
    this.canvas = canvas;
    this.marks = [];
    this.running = false;
    this.still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  }

  mark(bits, deleted) {
    this.marks.push({ at: performance.now() / 1000, bits, deleted });
    if (!this.running) {
      this.running = true;
      requestAnimationFrame(() => this.draw());
    }
  }

  forget() { this.marks = []; }

  draw() {
    const { canvas } = this, scale = devicePixelRatio || 1;
    const width = canvas.clientWidth, height = canvas.clientHeight, now = performance.now() / 1000;
    canvas.width = width * scale;
    canvas.height = height * scale;
    const pen = canvas.getContext("2d");
    pen.scale(scale, scale);
    this.marks = this.marks.filter((mark) => now - mark.at < this.SPAN);
    for (const { at, bits, deleted } of this.marks) {
      const age = (now - at) / this.SPAN, middle = height * 0.62;
      pen.strokeStyle = deleted ? "#ece6da" : "#e6a95c";
      pen.globalAlpha = (1 - age) * (deleted ? 0.75 : 0.9);
      pen.lineWidth = 1.5;
      const x = width * (this.still ? 1 - ((at / this.SPAN) % 1) : 1 - age) - 1;
      pen.beginPath();
      pen.moveTo(x, middle);
      pen.lineTo(x, deleted ? height - 2 : middle - (bits / 12) * middle);
      pen.stroke();
    }
    this.running = this.marks.length > 0;
    if (this.running) requestAnimationFrame(() => this.draw());
    else pen.clearRect(0, 0, width, height);
  }
}
