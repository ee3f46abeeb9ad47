// Guest code. UTF-8 for engines without TextEncoder and TextDecoder (encoding.spec.whatwg.org, UTF-8 alone).

const encode = (text) => {
  const bytes = new Uint8Array(text.length * 3);
  let at = 0;
  for (let index = 0; index < text.length; index++) {
    let point = text.charCodeAt(index);
    if (point < 0x80) {
      bytes[at++] = point;
      continue;
    }
    if (point >= 0xd800 && point <= 0xdfff) {
      const low = text.charCodeAt(index + 1);
      const paired = point < 0xdc00 && low >= 0xdc00 && low <= 0xdfff;
      point = paired ? 0x10000 + ((point - 0xd800) << 10) + (low - 0xdc00) : 0xfffd;
      if (paired) index++;
    }
    if (point < 0x800) bytes[at++] = 0xc0 | (point >> 6);
    else {
      if (point < 0x10000) bytes[at++] = 0xe0 | (point >> 12);
      else {
        bytes[at++] = 0xf0 | (point >> 18);
        bytes[at++] = 0x80 | ((point >> 12) & 0x3f);
      }
      bytes[at++] = 0x80 | ((point >> 6) & 0x3f);
    }
    bytes[at++] = 0x80 | (point & 0x3f);
  }
  return bytes.slice(0, at);
};

class Utf8Encoder {
  get encoding() {
    return "utf-8";
  }
  encode(text = "") {
    return encode(String(text));
  }
  encodeInto(text, target) {
    let read = 0;
    let written = 0;
    for (const character of String(text)) {
      const bytes = encode(character);
      if (written + bytes.length > target.length) break;
      target.set(bytes, written);
      written += bytes.length;
      read += character.length;
    }
    return { read, written };
  }
}

/** Continuation bytes after a lead byte, and the bounds of the first of them. */
const shape = (lead) => {
  if (lead >= 0xc2 && lead <= 0xdf) return [1, 0x80, 0xbf];
  if (lead >= 0xe0 && lead <= 0xef) return [2, lead === 0xe0 ? 0xa0 : 0x80, lead === 0xed ? 0x9f : 0xbf];
  if (lead >= 0xf0 && lead <= 0xf4) return [3, lead === 0xf0 ? 0x90 : 0x80, lead === 0xf4 ? 0x8f : 0xbf];
  return undefined;
};

/** Decodes whole characters; answers the text and how many bytes at the end are the beginning of one. */
const decode = (bytes, fatal, last) => {
  const parts = [];
  let units = [];
  const put = (point) => {
    if (point > 0xffff) units.push(0xd800 + ((point - 0x10000) >> 10), 0xdc00 + ((point - 0x10000) & 0x3ff));
    else units.push(point);
    if (units.length > 4096) {
      parts.push(String.fromCharCode(...units));
      units = [];
    }
  };
  const bad = () => {
    if (fatal) throw new TypeError("The bytes are not valid UTF-8");
    put(0xfffd);
  };
  let at = 0;
  let rest = 0;
  while (at < bytes.length) {
    const lead = bytes[at];
    if (lead < 0x80) {
      put(lead);
      at++;
      continue;
    }
    const [count, low, high] = shape(lead) ?? [0, 0, 0];
    if (count === 0) {
      bad();
      at++;
      continue;
    }
    let point = lead & (0x3f >> count);
    let taken = 1;
    while (taken <= count && at + taken < bytes.length) {
      const byte = bytes[at + taken];
      if (byte < (taken === 1 ? low : 0x80) || byte > (taken === 1 ? high : 0xbf)) break;
      point = (point << 6) | (byte & 0x3f);
      taken++;
    }
    if (taken > count) put(point);
    else if (at + taken === bytes.length && !last) {
      rest = taken;
      break;
    } else bad();
    at += taken;
  }
  return { text: parts.join("") + String.fromCharCode(...units), rest };
};

const bytesOf = (input) => {
  if (input === undefined) return new Uint8Array();
  if (ArrayBuffer.isView(input)) return new Uint8Array(input.buffer, input.byteOffset, input.byteLength);
  if (input instanceof ArrayBuffer) return new Uint8Array(input);
  throw new TypeError("TextDecoder.decode: an ArrayBuffer or a view of one was expected");
};

class Utf8Decoder {
  #kept = new Uint8Array();
  #begun = false;
  constructor(label = "utf-8", { fatal = false, ignoreBOM = false } = {}) {
    if (!["utf-8", "utf8", "unicode-1-1-utf-8"].includes(String(label).trim().toLowerCase()))
      throw new RangeError(`TextDecoder: utf-8 is the only encoding here, and ${label} was asked for`);
    this.encoding = "utf-8";
    this.fatal = Boolean(fatal);
    this.ignoreBOM = Boolean(ignoreBOM);
  }
  decode(input, { stream = false } = {}) {
    const fresh = bytesOf(input);
    let bytes = fresh;
    if (this.#kept.length > 0) {
      bytes = new Uint8Array(this.#kept.length + fresh.length);
      bytes.set(this.#kept);
      bytes.set(fresh, this.#kept.length);
    }
    this.#kept = new Uint8Array();
    const begun = this.#begun;
    this.#begun = false;
    const { text, rest } = decode(bytes, this.fatal, !stream);
    if (stream) {
      this.#kept = bytes.slice(bytes.length - rest);
      this.#begun = begun || text.length > 0;
    }
    return !begun && !this.ignoreBOM && text.charCodeAt(0) === 0xfeff ? text.slice(1) : text;
  }
}

export const TextEncoder = globalThis.TextEncoder ?? Utf8Encoder;
export const TextDecoder = globalThis.TextDecoder ?? Utf8Decoder;
