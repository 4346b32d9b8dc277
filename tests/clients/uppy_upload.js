// Uploads one file with Uppy in a real Chromium, as a web page does, optionally losing the network on the way.
//
// The only argument is JSON: {chromium, file, type, uploadUrl | (endpoint, metadata), token, chunkSize, offlineAfter}.
// The page has an origin of its own, so the browser asks the service for permission (CORS) like for any web app. With
// `offlineAfter` the browser's network goes away after so many bytes and comes back a second later.
// Prints JSON: {uploadUrl, sent, wentOffline, errors}.

import { createServer } from "node:http";
import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import { build } from "esbuild";
import { chromium } from "playwright-core";

const task = JSON.parse(process.argv[2]);

const bundle = await build({ entryPoints: ["uppy_page.js"], bundle: true, format: "iife", write: false, logLevel: "error" });
const pages = { "/": "<!doctype html><title>upload</title><script src=/page.js></script>", "/page.js": bundle.outputFiles[0].text };
const types = { "/": "text/html", "/page.js": "text/javascript" };
const server = createServer((request, response) => {
  response.writeHead(pages[request.url] ? 200 : 404, { "Content-Type": types[request.url] ?? "text/plain" });
  response.end(pages[request.url] ?? "");
});
await new Promise((listening) => server.listen(0, "127.0.0.1", listening));

// As root Chromium starts only without its own sandbox; it opens nothing here but our own page.
const browser = await chromium.launch({ executablePath: task.chromium, args: ["--no-sandbox", "--disable-dev-shm-usage"] });
try {
  const context = await browser.newContext();
  const page = await context.newPage();
  const errors = [];
  let wentOffline = false;
  page.on("pageerror", (error) => errors.push(String(error)));
  await page.exposeFunction("progressed", async (sent) => {
    if (task.offlineAfter === undefined || wentOffline || sent < task.offlineAfter) return;
    wentOffline = true;
    await context.setOffline(true);
    setTimeout(() => context.setOffline(false), 1000);
  });
  await page.goto(`http://127.0.0.1:${server.address().port}/`);
  const content = (await readFile(task.file)).toString("base64");
  const { file, chromium: _, ...rest } = task;
  const done = await page.evaluate((given) => globalThis.upload(given), { ...rest, content, name: basename(file) });
  console.log(JSON.stringify({ ...done, wentOffline, errors }));
} finally {
  await browser.close();
  server.close();
}
