/** What is in a file, with its byte order mark if it has one. jsdom's Blob has no `text()`. For tests only. */
export function textOf(file: Blob): Promise<string> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () =>
      resolve(new TextDecoder("utf-8", { ignoreBOM: true }).decode(reader.result as ArrayBuffer));
    reader.onerror = () => reject(new Error("the file can't be read"));
    reader.readAsArrayBuffer(file);
  });
}
