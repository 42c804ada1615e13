// Fills in this host's address, and exchanges the code of a link once. The
// token stays in this tab.
"use strict";

for (const pre of document.querySelectorAll("pre")) {
  pre.textContent = pre.textContent.replace("ADDRESS", location.origin);
}

const status = document.getElementById("login");
const code = new URLSearchParams(location.hash.slice(1)).get("code");
if (code) {
  history.replaceState(null, "", location.pathname); // the code is used up
  login(code);
}

async function login(code) {
  try {
    const answer = await fetch("/api/v1/login", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ code }),
    });
    const body = await answer.json();
    if (!answer.ok) {
      status.textContent = body.message + (body.hint ? " (" + body.hint + ")" : "");
      return;
    }
    sessionStorage.setItem("mlhost-token", body.token);
    status.textContent = "This tab is logged in until " + new Date(body.expires).toLocaleString() + ".";
  } catch (error) {
    status.textContent = "The host did not answer: " + error.message;
  }
}
