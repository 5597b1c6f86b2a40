// Makes the page livelier: it notices news by itself, counts down, copies, and puts spaces into card numbers.
// The page is complete without it; it adds no text of its own and calls nobody but the server it came from.
(() => {
  "use strict";
  const root = document.documentElement;
  const find = (selector, from = document) => from.querySelector(selector);
  const all = (selector, from = document) => [...from.querySelectorAll(selector)];
  const page = () => document.getElementById("page");
  root.classList.add("live");

  // Times in the payer's own zone.
  const localTimes = () => {
    const format = new Intl.DateTimeFormat(root.lang === "ar" ? "ar-u-nu-latn" : root.lang, { dateStyle: "medium", timeStyle: "short" });
    for (const time of all("time[data-local]")) {
      const at = new Date(time.dateTime);
      if (!isNaN(at)) time.textContent = format.format(at);
    }
  };

  // Counting down. The server says when it is over; this only shows how long that is.
  const countDown = () => {
    for (const timer of all("[data-countdown]")) {
      const left = Math.max(0, Math.floor((new Date(timer.dataset.countdown) - Date.now() + skew) / 1000));
      const two = (n) => String(n).padStart(2, "0");
      const hours = Math.floor(left / 3600);
      const minutes = Math.floor(left / 60) % 60;
      timer.textContent = hours > 0 ? `${hours}:${two(minutes)}:${two(left % 60)}` : `${minutes}:${two(left % 60)}`;
      // Of days nobody counts the seconds.
      timer.parentElement.hidden = hours >= 24;
    }
  };
  // How far the payer's clock is ahead of the session's, which in test mode is moved by hand.
  let skew = 0;

  const copying = () => {
    if (!navigator.clipboard) return;
    for (const button of all("button[data-copy]")) {
      button.hidden = false;
      button.addEventListener("click", async () => {
        try {
          await navigator.clipboard.writeText(button.dataset.copy);
        } catch {
          return;
        }
        say(page().dataset.copied);
        button.classList.add("copied");
        setTimeout(() => button.classList.remove("copied"), 2000);
      });
    }
  };

  // On a phone the code goes to the bank's app through the system's own share sheet, where there is one.
  const sharing = () => {
    for (const link of all("a[download]")) {
      link.addEventListener("click", async (event) => {
        if (!navigator.canShare || !matchMedia("(pointer: coarse)").matches) return;
        event.preventDefault();
        try {
          const picture = await (await fetch(link.href)).blob();
          await navigator.share({ files: [new File([picture], link.download, { type: "image/png" })] });
        } catch (error) {
          if (error.name !== "AbortError") location.assign(link.href);
        }
      });
    }
  };

  // Card fields: digits in groups, the caret where it was.
  const shapes = {
    number: (digits) => digits.slice(0, 19).replace(/(\d{4})(?=\d)/g, "$1 "),
    digits: (digits) => digits.slice(0, 4),
    expiry: (digits) => {
      if (/^[2-9]/.test(digits)) digits = "0" + digits;
      return digits.length > 2 ? `${digits.slice(0, 2)} / ${digits.slice(2, 6)}` : digits;
    },
  };
  const formatting = () => {
    for (const input of all("input[data-format]")) {
      input.addEventListener("input", (event) => {
        const shape = shapes[input.dataset.format];
        const before = input.value.slice(0, input.selectionStart).replace(/\D/g, "").length;
        const atEnd = input.selectionStart === input.value.length;
        // A browser may fill in 2030-08; leave it to the server.
        if (/^\d{4}-\d{2}$/.test(input.value)) return;
        const shaped = shape(input.value.replace(/\D/g, ""));
        if (shaped === input.value) return;
        input.value = shaped;
        if (atEnd && event.inputType !== "deleteContentBackward") return;
        let at = 0;
        for (let seen = 0; at < shaped.length && seen < before; at++) if (/\d/.test(shaped[at])) seen++;
        input.setSelectionRange(at, at);
      });
    }
    for (const number of all(".test-cards dt")) {
      const fill = document.createElement("button");
      fill.type = "button";
      fill.className = "fill";
      fill.textContent = number.textContent;
      number.replaceChildren(fill);
      fill.addEventListener("click", () => {
        find("#field-card-number").value = fill.textContent;
        find("#field-card-expiry").value = "12 / 34";
        find("#field-card-cvc").value = "123";
      });
    }
  };

  // One submission at a time, and it is seen to be under way.
  const busyForms = () => {
    for (const form of all("form[data-busy]")) {
      form.addEventListener("submit", (event) => {
        if (form.dataset.sent) return event.preventDefault();
        form.dataset.sent = "1";
        const button = event.submitter;
        if (!button) return;
        button.setAttribute("aria-disabled", "true");
        const spinner = document.createElement("span");
        spinner.className = "spinner";
        const icon = find(".icon", button);
        if (icon) icon.replaceWith(spinner);
        else button.prepend(spinner);
      });
    }
  };

  const goingOn = () => {
    const next = find("a[data-go]");
    const line = find(".going");
    if (!next || !line) return;
    let left = Number(next.dataset.go);
    const text = find("span", line);
    const show = () => { text.textContent = line.dataset.text.replace("%s", left); };
    show();
    line.hidden = false;
    const timer = setInterval(() => {
      left -= 1;
      if (left > 0) return show();
      clearInterval(timer);
      location.assign(next.href);
    }, 1000);
    find("button", line).addEventListener("click", () => {
      clearInterval(timer);
      line.hidden = true;
    });
  };

  const printing = () => {
    for (const button of all("button.print")) {
      button.hidden = false;
      button.addEventListener("click", () => print());
    }
  };

  const say = (text) => {
    const news = document.getElementById("news");
    if (!news) return;
    news.textContent = "";
    setTimeout(() => { news.textContent = text; }, 50);
  };

  const dress = () => {
    if (page()) skew = Date.now() - new Date(page().dataset.now);
    localTimes();
    countDown();
    copying();
    sharing();
    formatting();
    busyForms();
    goingOn();
    printing();
  };

  // News: waits for a change of the session, then lays the page out anew. What a payer is typing stays, as
  // long as the screen is the same.
  const offline = (is) => {
    const shown = document.getElementById("offline");
    if (!is) return shown?.remove();
    if (shown) return;
    const line = document.createElement("p");
    line.id = "offline";
    line.role = "status";
    line.textContent = page().dataset.offline;
    document.body.append(line);
  };

  const layOut = async () => {
    const answer = await fetch(page().dataset.page, { headers: { accept: "text/html" } });
    if (answer.status === 429 || answer.status >= 500) throw new Error(answer.status);
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    const next = fresh.getElementById("page");
    if (!next) return location.replace(page().dataset.page);
    const same = page().dataset.screen === next.dataset.screen && next.dataset.screen === "choose" && !find(".notice", next);
    if (same) {
      page().dataset.tag = next.dataset.tag;
      return;
    }
    const held = page().contains(document.activeElement);
    page().replaceWith(next);
    document.title = fresh.title;
    dress();
    const main = document.getElementById("main");
    // What had the focus is gone; the keyboard goes on where the news is.
    if (held) main.focus({ preventScroll: true });
    // What is told beside the heading may be all that is new.
    const told = all('h1, [role="status"]', main);
    say(told.map((line) => line.textContent.trim()).join(". ") || document.title);
    scrollTo({ top: 0 });
  };

  const pause = (ms) => new Promise((done) => setTimeout(done, ms));
  const visible = () => new Promise((done) => {
    if (!document.hidden) return done();
    document.addEventListener("visibilitychange", function seen() {
      if (document.hidden) return;
      document.removeEventListener("visibilitychange", seen);
      done();
    });
  });

  const listen = async () => {
    let misses = 0;
    while (page() && !("final" in page().dataset)) {
      await visible();
      try {
        const { state, tag } = page().dataset;
        const answer = await fetch(`${state}?wait=25`, { headers: { "if-none-match": `"${tag}"` }, cache: "no-store" });
        offline(false);
        if (answer.status === 429) {
          await pause(1000 * (Number(answer.headers.get("retry-after")) || 2));
        } else if (answer.status >= 500) {
          throw new Error(answer.status);
        } else if (answer.status !== 304) {
          await layOut();
        }
        misses = 0;
      } catch {
        misses += 1;
        if (misses > 1) offline(true);
        await pause(Math.min(15000, 500 * 2 ** misses));
      }
    }
    offline(false);
  };

  dress();
  setInterval(countDown, 1000);
  // A page that comes back from the browser's memory may be old, and its forms spent.
  addEventListener("pageshow", (event) => { if (event.persisted && page()) location.replace(page().dataset.page); });
  if (page()) {
    find("[aria-invalid]")?.focus();
    listen();
  }
})();
