// The page of uppy_upload.js: Uppy with its tus plugin, as a web app would set it up.

import Uppy from "@uppy/core";
import Tus from "@uppy/tus";

globalThis.upload = async (task) => {
  const uppy = new Uppy({ autoProceed: false });
  uppy.use(Tus, {
    endpoint: task.endpoint ?? task.uploadUrl,
    uploadUrl: task.uploadUrl,
    chunkSize: task.chunkSize ?? Number.POSITIVE_INFINITY,
    headers: { Authorization: `Bearer ${task.token}` },
    allowedMetaFields: ["recording"],
    retryDelays: [200, 500, 1000, 2000, 3000],
  });
  const bytes = Uint8Array.from(atob(task.content), (letter) => letter.charCodeAt(0));
  uppy.addFile({ name: task.name, type: task.type, data: new Blob([bytes], { type: task.type }), meta: task.metadata ?? {} });
  let sent = 0;
  uppy.on("upload-progress", (_, progress) => {
    sent = progress.bytesUploaded;
    globalThis.progressed(sent);
  });
  const { successful, failed } = await uppy.upload();
  if (failed.length) throw new Error(failed[0].error);
  return { uploadUrl: successful[0].uploadURL, sent };
};
