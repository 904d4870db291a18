// Keeps a page up to date in place: takes the parts that the server rendered and puts each where its id is.
// Nothing is worked out here. Without this script a page shows what was so when it was loaded.
"use strict";

(() => {
  const byId = (id) => document.getElementById(id);
  const root = document.querySelector("[data-live]");
  const line = byId("line-state");

  // The line to the server

  let heard = Date.now();
  let standing = "";
  // What is heard but not seen is told to those who do not see; the same is not told twice.
  const say = (text) => {
    const said = byId("said");
    if (said && text) said.textContent = text;
  };
  const stand = (word) => {
    standing = word;
    if (line) line.dataset.line = word;
    tick();
  };
  const ago = (seconds) => (seconds < 120 ? `${seconds} s` : `${Math.round(seconds / 60)} min`);
  const tick = () => {
    if (!line || !standing) return;
    const passed = Math.max(0, Math.round((Date.now() - heard) / 1000));
    const text = {
      live: `Live · last change ${ago(passed)} ago`,
      lost: "Connection lost, trying again …",
      ended: "The run has ended: nothing changes here any more.",
      removed: "This run was removed from the lab. What you see was its last state.",
    }[standing];
    if (line.textContent !== text) line.textContent = text;
  };

  // Parts

  // A picture is shown when it has been loaded: in its place there is the one before until then.
  const loaded = (html) => {
    const made = document.createElement("template");
    made.innerHTML = html;
    const pictures = [...made.content.querySelectorAll("img")];
    return Promise.all(
      pictures.map((picture) => {
        const ahead = new Image();
        ahead.src = picture.getAttribute("src");
        return ahead.decode().catch(() => undefined);
      }),
    );
  };
  const latest = new Map();
  const put = (id, html) => {
    const place = byId(id);
    if (!place || latest.get(id) === html) return;
    latest.set(id, html);
    if (html.includes("<img")) {
      loaded(html).then(() => {
        if (latest.get(id) === html) place.innerHTML = html;
      });
    } else {
      place.innerHTML = html;
    }
  };

  // What has come since that this page has no place for is offered, not pushed in between.
  const compareKeys = () => {
    const fresh = byId("fresh");
    const key = document.querySelector("#fresh-key data");
    if (fresh && key) fresh.classList.toggle("on", key.value !== fresh.dataset.has);
  };

  // Reports

  const fetchBody = async (address, place) => {
    const answer = await fetch(address, { headers: { Accept: "application/json" } });
    if (answer.ok) {
      place.innerHTML = await answer.text();
      return true;
    }
    let why = `The report could not be made (${answer.status}).`;
    try {
      const problem = await answer.json();
      why = `${problem.detail}. ${problem.hint}`;
    } catch {
      // It is no answer of ours: the number has to do.
    }
    const told = document.createElement("p");
    told.className = "pending";
    told.textContent = why;
    place.replaceChildren(told);
    return false;
  };

  const showReport = async () => {
    const place = byId("report");
    const address = root.dataset.report;
    if (!place || !address) return;
    try {
      if (await fetchBody(address, place)) {
        // The report has these, too, and in their last state.
        byId("pictures")?.replaceChildren();
        byId("ready")?.classList.add("on");
        say("The report is ready.");
      }
    } catch {
      // The server has gone meanwhile; loading the page again is what helps, and it says so.
      place.textContent = "The report could not be loaded: load this page again.";
    }
  };

  let source = null;
  const follow = () => {
    if (source) source.close();
    source = new EventSource(root.dataset.live);
    source.addEventListener("open", () => {
      if (standing === "lost") say("Connected again.");
      stand("live");
    });
    source.addEventListener("error", () => {
      if (standing === "ended" || standing === "removed") return;
      if (standing !== "lost") say("Connection lost, trying again.");
      stand("lost");
      // A server that answers with an error is not asked again by the browser itself.
      if (source.readyState === EventSource.CLOSED && !document.hidden) setTimeout(follow, 3000);
    });
    source.addEventListener("begun", () => {
      if ("waits" in root.dataset) window.location.reload();
    });
    source.addEventListener("parts", (event) => {
      const news = JSON.parse(event.data);
      heard = Date.now();
      for (const [id, html] of Object.entries(news.parts)) put(id, html);
      compareKeys();
      say(news.said);
      if (!news.ended) {
        stand("live");
        return;
      }
      source.close();
      if (news.ended === "removed") {
        stand("removed");
        say("This run was removed.");
      } else if ("waits" in root.dataset) {
        window.location.reload();
      } else {
        stand("ended");
        showReport();
      }
    });
  };

  if (root) {
    follow();
    setInterval(tick, 1000);
    // A browser has few lines to one server: a page that nobody sees gives its own back.
    document.addEventListener("visibilitychange", () => {
      if (standing === "ended" || standing === "removed") return;
      if (document.hidden) source.close();
      else follow();
    });
  }

  for (const place of document.querySelectorAll("[data-body]")) {
    fetchBody(place.dataset.body, place).catch(() => {
      const pending = byId("pending");
      if (pending) pending.textContent = "The report could not be loaded: load this page again.";
    });
  }
})();
