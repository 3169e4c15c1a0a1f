/** A zip file of what is given, stored as it is: images do not get smaller. */

const CRC = Uint32Array.from({ length: 256 }, (_, byte) => {
  let sum = byte;
  for (let bit = 0; bit < 8; bit++) sum = sum & 1 ? (sum >>> 1) ^ 0xedb88320 : sum >>> 1;
  return sum >>> 0;
});

/** @param {Uint8Array} bytes */
function checksum(bytes) {
  let sum = 0xffffffff;
  for (const byte of bytes) sum = (sum >>> 8) ^ CRC[(sum ^ byte) & 0xff];
  return ~sum >>> 0;
}

/** @param {File[]} files each with another name, all together below 4 GB @returns {Promise<Blob>} */
export async function zip(files) {
  /** @type {BlobPart[]} */
  const parts = [];
  /** @type {BlobPart[]} */
  const listed = [];
  let at = 0, listSize = 0;
  for (const file of files) {
    const name = new TextEncoder().encode(file.name), sum = checksum(new Uint8Array(await file.arrayBuffer()));
    // Version 2.0, names in UTF-8, stored, 1980-01-01; then the sizes and no extra field.
    const facts = [[20, 2], [0x800, 2], [0, 2], [0, 2], [33, 2], [sum, 4], [file.size, 4], [file.size, 4], [name.length, 2], [0, 2]];
    const head = record(0x04034b50, facts);
    const entry = record(0x02014b50, [[20, 2], ...facts, [0, 2], [0, 2], [0, 2], [0, 4], [at, 4]]);
    parts.push(head, name, file);
    listed.push(entry, name);
    at += head.length + name.length + file.size;
    listSize += entry.length + name.length;
  }
  const end = record(0x06054b50, [[0, 2], [0, 2], [files.length, 2], [files.length, 2], [listSize, 4], [at, 4], [0, 2]]);
  return new Blob([...parts, ...listed, end], { type: "application/zip" });
}

/** @param {number} signature @param {number[][]} fields numbers with their widths in bytes, little end first */
function record(signature, fields) {
  const bytes = [];
  for (const [value, width] of [[signature, 4], ...fields]) for (let at = 0; at < width; at++) bytes.push((value >>> (8 * at)) & 0xff);
  return new Uint8Array(bytes);
}
