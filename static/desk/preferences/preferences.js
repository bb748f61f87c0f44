// Notifications need the browser's leave, which it gives only after a click.
"use strict";

{
  const wanted = document.getElementById("id_notifies");
  const refused = document.getElementById("notifies-refused");

  async function ask() {
    refused.textContent = "";
    if (!wanted.checked) return;
    const answer = "Notification" in window ? await Notification.requestPermission() : "denied";
    if (answer === "granted") return;
    wanted.checked = false;
    refused.textContent = gettext(
      "Your browser does not allow notifications from this page. Allow them in its settings first.",
    );
  }

  wanted?.addEventListener("change", ask);
}
