
"use strict";
const panel = document.getElementById("live");
if (panel) {
  panel.hidden = false;
  const clock = panel.querySelector("[data-clock]");
  const echo = panel.querySelector("[data-echo]");
  const events = new EventSource("/live/clock");
  events.onmessage = (event) => { clock.textContent = event.data; };
  events.onerror = () => { clock.textContent = "not connected"; };
  const socket = new WebSocket(location.origin.replace("http", "ws") + "/live/echo");
  const send = () => { if (socket.readyState === WebSocket.OPEN) socket.send(String(performance.now())); };
  let timer;
  socket.onopen = () => { send(); timer = setInterval(send, 2000); };
  socket.onmessage = (event) => {
    echo.textContent = "echoed in " + Math.max(0.1, performance.now() - Number(event.data)).toFixed(1) + " ms";
  };
  socket.onclose = () => { clearInterval(timer); echo.textContent = "not connected"; };
}
