// Sends chosen files to the server, a few at a time, straight from disk to disk.
const AT_ONCE = 4;
const ATTEMPTS = 4;

const jobs = new Map(); // by path of the batch: survives a redraw of the component

function fill(words, values) {
  return words.replace(/\{(\w+)\}/g, (all, name) => (name in values ? values[name] : all));
}

async function filesOf(entry, prefix = "") {
  if (entry.isFile) {
    const file = await new Promise((done, fail) => entry.file(done, fail));
    return [{ file, name: prefix + entry.name }];
  }
  const reader = entry.createReader();
  const found = [];
  for (;;) {
    const some = await new Promise((done, fail) => reader.readEntries(done, fail));
    if (!some.length) break;
    for (const inner of some) found.push(...(await filesOf(inner, `${prefix}${entry.name}/`)));
  }
  return found;
}

async function dropped(event) {
  const entries = [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry && item.webkitGetAsEntry());
  const usable = entries.filter(Boolean);
  if (!usable.length) return [...event.dataTransfer.files].map((file) => ({ file, name: file.name }));
  const found = [];
  for (const entry of usable) found.push(...(await filesOf(entry)));
  return found;
}

function litter(name) {
  const last = name.split("/").pop();
  return last.startsWith(".") || last === "Thumbs.db" || name.includes("__MACOSX/");
}

const AGAIN = [0, 400, 408, 429, 500, 502, 503, 504]; // worth another try; 0 is a connection that broke

// Sends one file once; returns the status and whether the answer is this server's own or that of something before it.
async function put(path, index, item) {
  try {
    const answer = await fetch(`${path}/${index}`, {
      method: "PUT",
      body: item.file,
      headers: {
        "X-File-Name": encodeURIComponent(item.name),
        "X-File-Size": String(item.file.size),
        "Content-Type": "application/octet-stream",
      },
    });
    const told = await answer.json().catch(() => ({}));
    const own = "message" in told || "written" in told;
    return { status: answer.ok && !own ? 404 : answer.status, own };
  } catch {
    return { status: 0, own: false };
  }
}

// Sends one file, several times where that may help; returns what the server answered last.
async function send(path, index, item) {
  for (let attempt = 1; ; attempt += 1) {
    const answer = await put(path, index, item);
    if (answer.status === 200 || attempt >= ATTEMPTS || !AGAIN.includes(answer.status)) return answer;
    await new Promise((done) => setTimeout(done, 400 * 2 ** attempt));
  }
}

class Job {
  constructor(path) {
    this.path = path;
    this.items = [];
    this.sent = 0;
    this.bytes = 0;
    this.failed = [];
    this.running = false;
    this.turn = Promise.resolve(); // one drop after the other
    this.show = () => {};
    this.report = () => {};
  }

  add(items) {
    const kept = items.filter((item) => !litter(item.name));
    const first = this.items.length;
    this.items.push(...kept);
    this.take(kept.map((_, offset) => first + offset));
  }

  again() {
    const waiting = this.failed;
    this.failed = [];
    this.take(waiting);
  }

  take(indices) {
    this.turn = this.turn.then(() => this.work(indices));
  }

  async work(indices) {
    if (!indices.length) return;
    this.started = performance.now();
    this.startBytes = this.bytes;
    this.total = this.items.reduce((sum, item) => sum + item.file.size, 0);
    this.running = true;
    const queue = [...indices];
    const worker = async () => {
      while (queue.length) {
        const index = queue.shift();
        const answer = await send(this.path, index, this.items[index]);
        this.items[index].answer = answer;
        if (answer.status === 200) {
          this.sent += 1;
          this.bytes += this.items[index].file.size;
        } else {
          this.failed.push(index);
        }
        this.show();
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
    this.running = false;
    this.show();
    this.report({
      chosen: this.items.length,
      sent: this.sent,
      failed: this.failed.slice(0, 500).map((index) => {
        const { name, file, answer } = this.items[index];
        return { name, size: file.size, ...answer };
      }),
    });
  }
}

function lineOf(job, words) {
  const values = { sent: job.sent, chosen: job.items.length, count: job.failed.length };
  if (!job.running) {
    return fill(words.done, values) + (job.failed.length ? ` · ${fill(words.failed, values)}` : "");
  }
  const seconds = (performance.now() - job.started) / 1000;
  const speed = (job.bytes - job.startBytes) / 1e6 / Math.max(seconds, 0.2);
  const left = speed > 0 ? (job.total - job.bytes) / 1e6 / speed : 0;
  const time = left >= 90 ? fill(words.minutes, { n: Math.round(left / 60) }) : fill(words.seconds, { n: Math.ceil(left) });
  return fill(words.progress, { ...values, speed: speed.toFixed(1), left: time });
}

export default function (component) {
  const { data, parentElement, setStateValue } = component;
  const find = (selector) => parentElement.querySelector(selector);
  const server = window.__streamlit?.BACKEND_BASE_URL || document.baseURI;
  const url = new URL(data.path, server).href;
  if (!jobs.has(url)) jobs.set(url, new Job(url));
  const job = jobs.get(url);
  const { words } = data;
  find(".drop").textContent = words.drop;
  find(".kinds").textContent = words.kinds;
  find(".files").textContent = words.files;
  find(".folder").textContent = words.folder;
  find(".again").textContent = words.again;
  find(".pick").setAttribute("aria-label", words.files);
  find(".pickfolder").setAttribute("aria-label", words.folder);

  job.report = (value) => setStateValue("report", value);
  job.show = () => {
    find(".state").hidden = !job.items.length;
    const share = job.items.length ? (100 * (job.sent + job.failed.length)) / job.items.length : 0;
    find(".fill").style.width = `${share}%`;
    find(".bar").setAttribute("aria-valuenow", Math.round(share));
    find(".bar").setAttribute("aria-label", lineOf(job, words));
    find(".text").textContent = lineOf(job, words);
    find(".again").hidden = job.running || !job.failed.length;
  };
  job.show();

  const zone = find(".zone");
  const picked = (input) => {
    job.add([...input.files].map((file) => ({ file, name: file.webkitRelativePath || file.name })));
    input.value = "";
  };
  find(".files").onclick = () => find(".pick").click();
  find(".folder").onclick = () => find(".pickfolder").click();
  find(".again").onclick = () => job.again();
  find(".pick").onchange = (event) => picked(event.target);
  find(".pickfolder").onchange = (event) => picked(event.target);
  zone.ondragover = (event) => { event.preventDefault(); zone.classList.add("over"); };
  zone.ondragleave = () => zone.classList.remove("over");
  zone.ondrop = async (event) => {
    event.preventDefault();
    zone.classList.remove("over");
    job.add(await dropped(event));
  };
}
