// Report the time zone of this browser to the server, which renders times in it.
"use strict";

(() => {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const secure = location.protocol === "https:" ? ";secure" : "";
  // biome-ignore lint/suspicious/noDocumentCookie: the Cookie Store API is missing without https
  if (zone) document.cookie = `timezone=${encodeURIComponent(zone)};path=/;max-age=31536000;samesite=lax${secure}`;
})();
