// Uploads one file with tus-js-client as an app would, optionally losing the connection on the way.
//
// The only argument is JSON: {file, endpoint | uploadUrl, token, metadata, chunkSize, cutAfter}. With `cutAfter` the
// connection is dropped after so many bytes and the upload is taken up again by a new client, as after an app restart.
// Prints JSON: {uploadUrl, resumedAt}: where the upload lies, and the offset the service told the second client.

import { readFile } from "node:fs/promises";
import * as tus from "tus-js-client";

const task = JSON.parse(process.argv[2]);

const content = await readFile(task.file);

function upload({ uploadUrl, cutAfter }) {
  return new Promise((resolve, reject) => {
    const client = new tus.Upload(content, {
      endpoint: task.endpoint,
      uploadUrl,
      chunkSize: task.chunkSize ?? Number.POSITIVE_INFINITY,
      headers: { Authorization: `Bearer ${task.token}` },
      metadata: task.metadata ?? {},
      retryDelays: [100, 300, 1000, 3000],
      onProgress(sent) {
        if (cutAfter !== undefined && sent >= cutAfter) {
          client.abort().then(() => resolve(client.url));
        }
      },
      onSuccess: () => resolve(client.url),
      onError: reject,
    });
    client.start();
  });
}

async function offsetOf(uploadUrl) {
  const answer = await fetch(uploadUrl, {
    method: "HEAD",
    headers: { Authorization: `Bearer ${task.token}`, "Tus-Resumable": "1.0.0" },
  });
  return Number(answer.headers.get("Upload-Offset"));
}

let uploadUrl = await upload({ uploadUrl: task.uploadUrl, cutAfter: task.cutAfter });
let resumedAt = null;
if (task.cutAfter !== undefined) {
  resumedAt = await offsetOf(uploadUrl);
  uploadUrl = await upload({ uploadUrl });
}
console.log(JSON.stringify({ uploadUrl, resumedAt }));
process.exit(0);
