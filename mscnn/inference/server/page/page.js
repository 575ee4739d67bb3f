// The page of `mscnn serve`: a file or the microphone in; emotion, probabilities and a timeline out.
const COLOURS = ["#d55e00", "#e69f00", "#0072b2", "#7f7f7f", "#009e73", "#cc79a7", "#56b4e9", "#8c6d1f", "#5e4fa2"];
const find = (id) => document.getElementById(id);
const STATES = {
  ok: "ok", short: "too short", silent: "no speech", clipped: "clipped", uncertain: "uncertain",
  length: "of a length that training did not have",
};
const classes = [];
let shown = { samples: new Float32Array(0), rate: 1, segments: [] };
let recording = null;
let request = 0;

function status(text, error = false) {
  find("status").textContent = text;
  find("status").className = error ? "error" : "";
}

function element(name, text, attributes = {}) {
  const made = Object.assign(document.createElement(name), attributes);
  if (text !== null) made.textContent = text;
  return made;
}

const percent = (p) => `${(100 * p).toFixed(1)} %`;
const time = (s) => `${s.toFixed(1)} s`;
const accepted = (part) => part.label !== null && part.state === "ok";

// ---- answers

async function post(path, file, fields) {
  const form = new FormData();
  for (const [key, value] of Object.entries(fields)) form.append(key, value);
  form.append("file", file, file.name || "recording.wav");
  const response = await fetch(path, { method: "POST", body: form });
  const answer = await response.json();
  if (!response.ok) throw new Error(`${answer.message} (${answer.error})`);
  return answer;
}

async function analyse(file, keepTimeline = false) {
  const mine = ++request;
  status(`Analysing ${file.name} …`);
  try {
    const text = find("transcript").value.trim();
    const waveform = keepTimeline ? null : decode(file);
    const result = await post("predict", file, text ? { text } : {});
    if (mine !== request) return;
    showResult(result);
    if (!keepTimeline) {
      const timeline = await post("timeline", file, {});
      const decoded = await waveform;
      if (mine !== request) return;
      shown = { ...decoded, segments: timeline.segments, seconds: timeline.seconds };
      showTimeline();
    }
    play(file);
    status(`${file.name}: ${find("answer").textContent}`);
  } catch (error) {
    if (mine === request) status(error.message, true);
  }
}

async function decode(file) {
  const context = new OfflineAudioContext(1, 1, 16000);
  try {
    const audio = await context.decodeAudioData(await file.arrayBuffer());
    return { samples: audio.getChannelData(0), rate: audio.sampleRate };
  } catch { // a format that the server can decode and the browser cannot: a timeline without a waveform
    return { samples: new Float32Array(0), rate: 16000 };
  }
}

function play(file) {
  const player = find("player");
  URL.revokeObjectURL(player.src);
  player.src = URL.createObjectURL(file);
}

function showResult(result) {
  const doubt = result.state === "ok" ? "" : `, ${STATES[result.state] ?? result.state}`;
  find("answer").textContent = `${result.label ?? "no answer"}, confidence ${percent(result.confidence)}${doubt}`;
  find("probabilities").tBodies[0].replaceChildren(...Object.entries(result.probabilities).map(([name, p]) => {
    const row = element("tr", null);
    const bar = element("td", null);
    bar.append(element("meter", null, { value: p, ariaHidden: "true" }));
    row.append(element("th", name, { scope: "row" }), element("td", percent(p), { className: "number" }), bar);
    return row;
  }));
  find("text").textContent = result.text ? `Transcript (${result.text_source}): ${result.text}` : "";
  find("notices").replaceChildren(...result.notices.map((notice) => element("li", notice)));
  find("result").hidden = false;
}

function showTimeline() {
  find("time").hidden = false;
  find("timeline").tBodies[0].replaceChildren(...shown.segments.map((part) => {
    const row = element("tr", null);
    for (const cell of [time(part.start), time(part.end), part.label ?? "–", percent(part.confidence), STATES[part.state] ?? part.state]) {
      row.append(element("td", cell));
    }
    return row;
  }));
  find("wave").ariaLabel = `Waveform of ${time(shown.seconds)}. ${summary()}`;
  draw();
}

function summary() {
  const seconds = {};
  for (const part of shown.segments) {
    const name = accepted(part) ? part.label : `rejected (${STATES[part.state] ?? part.state})`;
    seconds[name] = (seconds[name] || 0) + part.end - part.start;
  }
  return Object.entries(seconds).map(([name, s]) => `${name}: ${time(s)}`).join(", ");
}

// ---- drawing

const colour = (label) => COLOURS[Math.max(classes.indexOf(label), 0) % COLOURS.length];

function paint(context, part, x, y, width, height) {
  if (part.label !== null) {
    context.fillStyle = colour(part.label);
    context.fillRect(x, y, width, height);
  }
  if (accepted(part)) return;
  context.save();
  context.beginPath();
  context.rect(x, y, width, height);
  context.clip();
  context.strokeStyle = getComputedStyle(document.body).color;
  context.beginPath();
  for (let k = Math.floor((x - height) / 6) * 6; k < x + width; k += 6) { // hatched
    context.moveTo(k, y + height);
    context.lineTo(k + height, y);
  }
  context.stroke();
  context.restore();
}

function draw() {
  const canvas = find("wave"), scale = devicePixelRatio;
  const width = canvas.clientWidth, height = canvas.clientHeight;
  canvas.width = width * scale;
  canvas.height = height * scale;
  const context = canvas.getContext("2d");
  context.scale(scale, scale);
  const { samples, rate, segments } = shown;
  const seconds = Math.max(shown.seconds || samples.length / rate, 1e-3), band = 28, middle = (height - band) / 2;
  for (const part of segments) {
    const [from, to] = [part.start, part.end].map((t) => Math.round(width * t / seconds));
    paint(context, part, from, height - band, to - from, band);
  }
  context.fillStyle = getComputedStyle(document.body).color;
  const step = rate * seconds / width;
  for (let x = 0; x < width && samples.length; x++) {
    let low = 0, high = 0;
    for (let i = Math.floor(x * step); i < Math.min((x + 1) * step, samples.length); i++) {
      low = Math.min(low, samples[i]);
      high = Math.max(high, samples[i]);
    }
    context.fillRect(x, middle * (1 - high), 1, Math.max(middle * (high - low), 1));
  }
}

function legend() {
  const parts = [...classes.map((label) => ({ label, state: "ok" })), { label: null, state: "rejected" }];
  find("legend").replaceChildren(...parts.map((part) => {
    const item = element("li", null), box = element("canvas", null, { width: 32, height: 32, ariaHidden: "true" });
    const context = box.getContext("2d");
    context.scale(2, 2);
    paint(context, part, 0, 0, 16, 16);
    item.append(box, part.label ?? "hatched: rejected (silent, short, uncertain, …)");
    return item;
  }));
}

// ---- microphone

async function start() {
  const media = await navigator.mediaDevices.getUserMedia({ audio: true });
  const context = new AudioContext();
  await context.audioWorklet.addModule("recorder.js");
  const socket = new WebSocket(new URL("stream", location.href.replace(/^http/, "ws")));
  const node = new AudioWorkletNode(context, "recorder");
  const blocks = [];
  recording = { media, context, socket, blocks };
  request++;
  shown = { samples: new Float32Array(0), rate: context.sampleRate, segments: [], seconds: 0 };
  socket.onopen = () => {
    socket.send(JSON.stringify({ rate: context.sampleRate, window: 3, hop: 0.5 }));
    node.port.onmessage = ({ data }) => {
      if (recording?.socket !== socket) return;
      blocks.push(data);
      socket.send(data);
      shown.samples = joined(blocks);
      shown.seconds = shown.samples.length / shown.rate;
      find("time").hidden = false;
      draw();
    };
    context.createMediaStreamSource(media).connect(node);
  };
  socket.onmessage = ({ data }) => {
    const part = JSON.parse(data);
    if (part.error) {
      status(`${part.message} (${part.error})`, true);
      stop();
      return;
    }
    shown.segments.push(part);
    showResult(part);
    showTimeline();
  };
  socket.onerror = () => status("The connection to the server was lost.", true);
  socket.onclose = () => finish(blocks, context.sampleRate);
  find("record").textContent = "Stop";
  find("record").ariaPressed = "true";
  status("Recording. The first answer comes after 3 seconds.");
}

function stop() {
  if (!recording) return;
  const { media, context, socket } = recording;
  recording = null;
  media.getTracks().forEach((track) => track.stop());
  context.close();
  if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify({ end: true }));
  find("record").textContent = "Record from the microphone";
  find("record").ariaPressed = "false";
}

function finish(blocks, rate) {
  stop();
  if (blocks.length && shown.segments.length) analyse(wav(joined(blocks), rate), true);
}

function joined(blocks) {
  const all = new Float32Array(blocks.reduce((sum, block) => sum + block.length, 0));
  let at = 0;
  for (const block of blocks) {
    all.set(block, at);
    at += block.length;
  }
  return all;
}

function wav(samples, rate) {
  const view = new DataView(new ArrayBuffer(44));
  const text = (at, word) => [...word].forEach((letter, i) => view.setUint8(at + i, letter.charCodeAt(0)));
  text(0, "RIFF"), text(8, "WAVEfmt "), text(36, "data");
  view.setUint32(4, 36 + 4 * samples.length, true);
  view.setUint32(16, 16, true);
  view.setUint16(20, 3, true); // float32, mono
  view.setUint16(22, 1, true);
  view.setUint32(24, rate, true);
  view.setUint32(28, 4 * rate, true);
  view.setUint16(32, 4, true);
  view.setUint16(34, 32, true);
  view.setUint32(40, 4 * samples.length, true);
  return new File([view, samples], "microphone.wav", { type: "audio/wav" });
}

// ---- controls

find("file").addEventListener("change", ({ target }) => target.files.length && analyse(target.files[0]));
find("record").addEventListener("click", () => {
  if (recording) stop();
  else start().catch((error) => status(`The microphone cannot be used: ${error.message}`, true));
});
for (const event of ["dragover", "dragleave", "drop"]) {
  find("drop").addEventListener(event, (dragged) => {
    dragged.preventDefault();
    find("drop").classList.toggle("over", event === "dragover");
    if (event === "drop" && dragged.dataTransfer.files.length) analyse(dragged.dataTransfer.files[0]);
  });
}
addEventListener("resize", draw);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { legend(); draw(); });

const health = await (await fetch("health")).json();
find("model").textContent = health.model;
find("transcript-line").hidden = !health.takes_text;
classes.push(...health.classes);
legend();
