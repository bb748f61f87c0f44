// The browser asks for permission to show notifications only after a click: here, on the checkbox.
"use strict";

(() => {
  const { byId } = Omnichannel;
  const checkbox = byId("id_shows_notifications");
  const error = byId("notifications-error");

  async function requestPermission() {
    error.textContent = "";
    if (!checkbox.checked) return;
    const permission = "Notification" in window ? await Notification.requestPermission() : "denied";
    if (permission === "granted") return;
    checkbox.checked = false;
    error.textContent = gettext(
      "Your browser blocks notifications from this page. Allow them in the browser settings first.",
    );
  }

  checkbox?.addEventListener("change", requestPermission);
})();
