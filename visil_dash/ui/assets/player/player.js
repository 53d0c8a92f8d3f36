// Two <video> tags that show the same moment of an aligned range. One clock, `at` (seconds of query
// time since the range began), is the truth: both videos are held to it, by their rates where they
// drift a little and by a seek where they drift much, and it waits while either of them loads.

const HARD = 0.2;        // seconds of drift that are sought away; less is caught up by the rate
const REVERSE_STEP = 220; // ms between the pictures of a side that has to run backwards
const SAMPLE = 1.0;      // seconds of a step where no sampled frame lies in the range
const players = new WeakMap();

const clamp = (x, low, high) => Math.min(Math.max(x, low), high);

function clock(seconds) {
  const hundredths = Math.max(0, Math.round(seconds * 100));
  const whole = Math.floor(hundredths / 100);
  const minutes = Math.floor(whole / 60) % 60, hours = Math.floor(whole / 3600);
  const two = (n) => String(n).padStart(2, "0");
  const head = hours ? `${hours}:${two(minutes)}` : `${minutes}`;
  return `${head}:${two(whole % 60)}.${two(hundredths % 100)}`;
}

class Player {
  constructor(root) {
    this.root = root;
    this.range = null;
    this.at = 0;
    this.offset = 0;
    this.pace = 1;
    this.looping = true;
    this.playing = false;
    this.send = () => {};
    this.times = [];
    this.last = 0;
    this.stepped = 0;
    this.alive = true;
    this.video = Object.fromEntries(
      ["query", "reference"].map((side) => [side, root.querySelector(`video[data-side=${side}]`)]));
    this.texts = Object.fromEntries(
      [...root.querySelectorAll("[data-text]")].map((e) => [e.dataset.text, e]));
    this.position = root.querySelector(".position");
    this.divider = root.querySelector(".divider");
    this.over = root.querySelector(".over");
    this.listen();
    this.tick = this.tick.bind(this);
    requestAnimationFrame(this.tick);
  }

  // ---- what the page gives ----

  update(data, send) {
    this.send = send;
    this.times = data.times;
    for (const side of ["query", "reference"]) {
      const video = this.video[side];
      // Below the page's own address, so that a base path or a proxy's prefix stays.
      const url = new URL(`.${data[side].url}`, location.href).href;
      if (video.src !== url) video.src = url;
      const name = this.root.querySelector(`[data-name=${side}]`);
      name.textContent = data[side].name;
      name.title = data[side].name;
      video.setAttribute("aria-label", `${side === "query" ? "Query" : "Reference"}: ${data[side].name}`);
    }
    this.texts.range.textContent = data.caption;
    this.texts.note.textContent = data.note;
    this.texts.note.hidden = !data.note;
    if (this.range === null || this.range.id !== data.range.id) {
      this.range = data.range;
      this.offset = 0;
      this.go(0);
      const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
      if (data.range.play && !calm) this.play();
      // A range is also chosen far below, on a map or in the table.
      if (data.range.play) this.root.scrollIntoView({ block: "nearest" });
    }
    this.draw();
  }

  // ---- time ----

  end(side) {
    const stop = this.range[`${side}_end`];
    const known = this.video[side].duration;
    return Number.isFinite(known) ? Math.min(stop, known) : stop;
  }

  get length() {
    const query = this.end("query") - this.range.query_start;
    const reference = (this.end("reference") - this.range.reference_start) / this.range.speed;
    // Of an aligned range both sides are shown for as long as both last.
    const both = this.range.aligned ? Math.min(query, reference) : Math.max(query, reference);
    return Math.max(0.1, both);
  }

  target(side) {
    const r = this.range;
    if (side === "query") return clamp(r.query_start + this.at, r.query_start, this.end("query"));
    const gone = this.at * r.speed;
    const stop = this.end("reference");
    const plain = r.reversed ? stop - gone : r.reference_start + gone;
    const most = this.video.reference.duration || Infinity;
    return clamp(clamp(plain, r.reference_start, stop) + this.offset, 0, most);
  }

  go(at) {
    this.at = clamp(at, 0, this.length);
    this.seekBoth();
    this.draw();
  }

  seekBoth() {
    for (const side of ["query", "reference"]) {
      const video = this.video[side];
      if (video.readyState < 1) continue; // set again once its length is known
      // A picture begins exactly at its time: a thousandth later is safely inside it.
      const time = clamp(this.target(side) + 0.001, 0, Math.max(0, video.duration - 0.02));
      if (Math.abs(video.currentTime - time) > 0.004) video.currentTime = time;
    }
  }

  play() {
    if (this.at >= this.length - 0.02) this.at = 0;
    this.seekBoth();
    this.playing = true;
    this.last = performance.now();
    this.root.dataset.state = "playing";
    this.draw();
  }

  pause() {
    this.playing = false;
    for (const video of Object.values(this.video)) video.pause();
    this.seekBoth();
    this.root.dataset.state = "paused";
    this.draw();
  }

  step(direction) {
    if (this.playing) this.pause();
    const now = this.range.query_start + this.at;
    const last = this.range.query_start + this.length;
    const inside = this.times.filter((t) => t >= this.range.query_start - 1e-3 && t < last - 1e-3);
    let next = inside.length
      ? direction > 0 ? inside.find((t) => t > now + 0.01) : inside.findLast((t) => t < now - 0.01)
      : now + direction * SAMPLE;
    if (next === undefined && this.looping) next = direction > 0 ? inside[0] : inside.at(-1);
    if (next !== undefined) this.go(next - this.range.query_start);
  }

  nudge(by) {
    this.offset = Math.round((this.offset + by) * 10) / 10;
    this.seekBoth();
    this.draw();
  }

  ready(side) {
    const video = this.video[side];
    return video.error !== null || ((video.readyState >= 3 || video.ended) && !video.seeking);
  }

  tick(now) {
    if (!this.alive) return;
    if (this.playing && this.range !== null) {
      const waits = ["query", ...(this.range.reversed ? [] : ["reference"])].filter((s) => !this.ready(s));
      if (waits.length === 0) this.at += clamp((now - this.last) / 1000, 0, 0.25) * this.pace;
      if (this.at >= this.length) {
        if (this.looping) this.go(0);
        else { this.at = this.length; this.pause(); }
      }
      if (this.playing) {
        const waiting = (side) => waits.length > 0 && !waits.includes(side);
        this.hold("query", this.pace, waiting("query"));
        if (this.range.reversed) this.flip(now);
        else this.hold("reference", this.pace * this.range.speed, waiting("reference"));
      }
      this.draw();
    }
    this.last = now;
    requestAnimationFrame(this.tick);
  }

  hold(side, rate, waiting) {
    const video = this.video[side];
    const time = this.target(side);
    const drift = video.currentTime - time;
    const stop = side === "query" ? this.end("query") : this.end("reference") + this.offset;
    if (waiting || time >= Math.min(stop, video.duration) - 0.005) {
      if (!video.paused) video.pause();
      return;
    }
    if (Math.abs(drift) > HARD) {
      if (!video.seeking) video.currentTime = time;
      return;
    }
    const wanted = clamp(rate * (1 - clamp(drift * 1.5, -0.3, 0.3)), 0.0625, 16);
    if (Math.abs(video.playbackRate - wanted) > 0.01) video.playbackRate = wanted;
    if (video.paused) video.play().catch(() => {});
  }

  flip(now) {
    const video = this.video.reference;
    if (!video.paused) video.pause();
    // Before its length is known there is no place to seek to.
    if (video.readyState < 1 || video.seeking || now - this.stepped < REVERSE_STEP) return;
    this.stepped = now;
    video.currentTime = clamp(this.target("reference"), 0, Math.max(0, video.duration - 0.02));
  }

  // ---- what the user sees ----

  draw() {
    if (this.range === null) return;
    const place = String(Math.round((this.at / this.length) * 1000));
    if (this.position.value !== place) this.position.value = place;
    const times = ["query", "reference"].map((side) => clock(this.target(side)));
    this.position.setAttribute("aria-valuetext", `query ${times[0]}, reference ${times[1]}`);
    this.say("query-time", times[0]);
    this.say("reference-time", times[1]);
    const sign = this.offset > 0 ? "+" : this.offset < 0 ? "−" : "";
    const offset = `${sign}${Math.abs(this.offset).toFixed(1)} s`;
    this.say("offset", offset);
    this.texts.offset.setAttribute("aria-label", `Offset ${offset}; reset`);
    const button = this.root.querySelector("[data-do=play]");
    button.setAttribute("aria-label", this.playing ? "Pause" : "Play");
  }

  say(what, text) {
    if (this.texts[what].textContent !== text) this.texts[what].textContent = text;
  }

  show(view) {
    this.root.dataset.view = view;
    for (const button of this.root.querySelectorAll("button[data-view]")) {
      button.setAttribute("aria-pressed", String(button.dataset.view === view));
    }
    this.divider.hidden = view !== "swipe";
  }

  cut(percent) {
    const share = clamp(percent, 0, 100);
    this.root.querySelector(".stage").style.setProperty("--cut", `${share}%`);
    this.divider.setAttribute("aria-valuenow", String(Math.round(share)));
  }

  shape() {
    for (const side of ["query", "reference"]) {
      const { videoWidth: width, videoHeight: height } = this.video[side];
      if (!width) continue;
      this.video[side].parentElement.style.setProperty("--shape", `${width} / ${height}`);
      if (side === "query") this.root.style.setProperty("--ratio", String(width / height));
    }
  }

  // ---- what the user does ----

  listen() {
    const root = this.root;
    root.addEventListener("click", (event) => {
      const button = event.target.closest("button");
      if (button === null) return;
      const { do: what, view, nudge } = button.dataset;
      if (view) this.show(view);
      else if (nudge) this.nudge(Number(nudge));
      else this.act(what);
    });
    root.addEventListener("keydown", (event) => this.key(event));
    this.position.addEventListener("input", () => this.go((this.position.value / 1000) * this.length));
    root.querySelector("[data-set=pace]").addEventListener("change", (event) => {
      this.pace = Number(event.target.value);
    });
    root.querySelector("[data-set=sound]").addEventListener("change", (event) => {
      for (const [side, video] of Object.entries(this.video)) video.muted = side !== event.target.value;
    });
    root.querySelector("[data-set=gain]").addEventListener("change", (event) => {
      root.style.setProperty("--gain", event.target.value);
    });
    root.querySelector("[data-set=stretch]").addEventListener("change", (event) => {
      root.dataset.stretch = String(event.target.checked);
    });
    const drag = (event) => {
      const box = root.querySelector(".stage").getBoundingClientRect();
      this.cut(((event.clientX - box.left) / box.width) * 100);
    };
    this.divider.addEventListener("pointerdown", (event) => {
      this.divider.setPointerCapture(event.pointerId);
      event.preventDefault();
      this.divider.focus();
    });
    this.divider.addEventListener("pointermove", (event) => {
      if (this.divider.hasPointerCapture(event.pointerId)) drag(event);
    });
    for (const [side, video] of Object.entries(this.video)) {
      video.addEventListener("loadedmetadata", () => {
        this.shape();
        this.seekBoth();
        if (root.dataset.state === "loading") root.dataset.state = "paused";
        this.draw();
      });
      video.addEventListener("error", () => {
        if (!video.getAttribute("src")) return;
        this.texts.note.textContent = `This browser cannot play the ${side}.`;
        this.texts.note.hidden = false;
      });
      video.addEventListener("click", () => this.act("play"));
    }
    // A hidden page draws no frames: videos that run on would leave the range.
    this.hidden = () => { if (document.hidden && this.playing) this.pause(); };
    document.addEventListener("visibilitychange", this.hidden);
  }

  act(what) {
    if (what === "play") this.playing ? this.pause() : this.play();
    else if (what === "back") this.step(-1);
    else if (what === "forth") this.step(1);
    else if (what === "offset") this.nudge(-this.offset);
    else if (what === "loop") {
      this.looping = !this.looping;
      this.root.querySelector("[data-do=loop]").setAttribute("aria-pressed", String(this.looping));
    } else if (what === "inspect") {
      if (this.playing) this.pause();
      this.send("frames", { query: this.target("query"), reference: this.target("reference") });
      this.follow(".st-key-cell", 100);
    }
  }

  // Scrolls to what the page is about to draw further down, once it has its pictures.
  follow(selector, tries) {
    setTimeout(() => {
      const place = document.querySelector(selector);
      const drawn = place?.querySelector("img")?.complete;
      if (drawn) place.scrollIntoView({ block: "nearest" });
      else if (tries > 0) this.follow(selector, tries - 1);
    }, 200);
  }

  key(event) {
    const target = event.target;
    if (event.ctrlKey || event.metaKey || event.altKey || target.matches("select")) return;
    const arrow = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    const onButton = target.matches("button, [type=checkbox]");
    if (arrow && target === this.divider) {
      this.cut(Number(this.divider.getAttribute("aria-valuenow")) + 5 * arrow);
    } else if (arrow && event.shiftKey) this.nudge(0.1 * arrow);
    else if (arrow) this.step(arrow);
    else if (event.key === " " && !onButton) this.act("play");
    else if (event.key === "Home") this.go(0);
    else if (event.key.toLowerCase() === "l") this.act("loop");
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  destroy() {
    this.alive = false;
    document.removeEventListener("visibilitychange", this.hidden);
    for (const video of Object.values(this.video)) {
      video.pause();
      video.removeAttribute("src"); // lets go of what was loaded
      video.load();
    }
  }
}

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".player");
  let player = players.get(root);
  if (player === undefined) {
    player = new Player(root);
    players.set(root, player);
  }
  player.update(data, setTriggerValue);
  return () => {
    players.delete(root);
    player.destroy();
  };
}
