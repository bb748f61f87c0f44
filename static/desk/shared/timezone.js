// Tell the server which time zone this browser is in, so that it can write times as people here read them.
"use strict";

{
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const secure = location.protocol === "https:" ? ";secure" : "";
  if (zone) document.cookie = `timezone=${encodeURIComponent(zone)};path=/;max-age=31536000;samesite=lax${secure}`;
}
