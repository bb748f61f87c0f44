// Requests to the server: with a time limit, one at a time.
"use strict";

(() => {
  const TIMEOUT_MS = 20000; // for requests without files

  // Pages refresh themselves. Such requests are marked while nobody uses the page, so that the session can end.
  const IDLE_MS = 60000;
  let lastInputAt = Date.now();
  for (const type of ["pointerdown", "pointermove", "keydown", "wheel", "touchstart"]) {
    const recordInput = () => {
      lastInputAt = Date.now();
    };
    addEventListener(type, recordInput, { capture: true, passive: true });
  }
  const backgroundHeader = () => (Date.now() - lastInputAt > IDLE_MS ? { "X-Background": "true" } : {});

  Omnichannel.fetch = async (url, options = {}) => {
    const headers = {
      "HX-Request": "true",
      "HX-Current-URL": location.href,
      ...backgroundHeader(),
      ...options.headers,
    };
    const signal = AbortSignal.timeout(TIMEOUT_MS); // a request that hangs would block the following ones
    const response = await fetch(url, { credentials: "same-origin", signal, ...options, headers });
    if (response.status === 401) location.assign(response.headers.get("HX-Redirect"));
    return response;
  };

  // Wrap a request so that one runs at a time, and once more if it was called meanwhile: a slow server does not get
  // requests faster than it answers, and an older response never replaces a newer one.
  Omnichannel.oneAtATime = (request) => {
    let isRunning = false;
    let isRequested = false;
    return async () => {
      isRequested = true;
      if (isRunning) return;
      isRunning = true;
      try {
        for (; isRequested; await request()) isRequested = false;
      } finally {
        isRunning = false;
      }
    };
  };

  document.addEventListener("htmx:configRequest", ({ detail }) => {
    const hasFiles = [...detail.formData.values()].some((value) => value instanceof File && value.size);
    if (!hasFiles) detail.timeout = TIMEOUT_MS;
    Object.assign(detail.headers, backgroundHeader());
  });
})();
