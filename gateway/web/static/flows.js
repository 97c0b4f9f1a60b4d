// Draws the page anew when something happened: the server says that, and renders it; nothing is put together here.
(() => {
  const main = () => document.querySelector("main[data-live]");
  if (!main() || !main().dataset.live) return;
  const say = (on) => { const sign = document.querySelector(".live"); if (sign) sign.hidden = !on; };
  let busy = false, again = false;
  const draw = async () => {
    if (busy) { again = true; return; }
    const active = document.activeElement; // nothing is taken away from under somebody's fingers
    if (active && active.tagName === "INPUT") { setTimeout(draw, 1000); return; }
    busy = true;
    try {
      const answer = await fetch(location.href, { headers: { Accept: "text/html" }, redirect: "error", cache: "no-store" });
      if (answer.ok) {
        const page = new DOMParser().parseFromString(await answer.text(), "text/html");
        const fresh = page.querySelector("main[data-live]"), focused = document.activeElement && document.activeElement.getAttribute("href");
        if (fresh) {
          fresh.classList.add("fresh");
          main().replaceWith(document.importNode(fresh, true));
          document.title = page.title;
          if (focused) { const same = document.querySelector(`main a[href="${CSS.escape(focused)}"]`); if (same) same.focus({ preventScroll: true }); }
          say(true);
        }
      }
    } catch { /* the stream says when there is more */ }
    busy = false;
    if (again) { again = false; draw(); }
  };
  const source = new EventSource(main().dataset.live);
  source.addEventListener("hello", () => say(true));
  source.addEventListener("changed", draw);
  source.addEventListener("ended", () => { source.close(); say(false); });
  source.addEventListener("error", () => say(false));
})();
