import { limits } from "../../base/limits.ts";
import { type LogLevel, type LogRecord, type LogSink, logLevels } from "../../host/provider.ts";

// What a guest says, made to fit the limits before any sink sees it.

/** `loop:core/log#value` in the JS mapping. */
export type WireValue =
  | { readonly tag: "text"; readonly val: string }
  | { readonly tag: "boolean"; readonly val: boolean }
  | { readonly tag: "integer"; readonly val: bigint }
  | { readonly tag: "number"; readonly val: number };

export type WireField = readonly [string, WireValue];

export class Logger {
  readonly #sink: LogSink;

  constructor(sink: LogSink) {
    this.#sink = sink;
  }

  enabled(level: LogLevel): boolean {
    return logLevels.indexOf(level) >= logLevels.indexOf(this.#sink.level);
  }

  write(level: LogLevel, message: string, fields: readonly WireField[]): void {
    if (!this.enabled(level)) return;
    const kept = fields.slice(0, limits.logFieldsMax).map(bounded);
    const surplus = fields.length - kept.length;
    if (surplus > 0) kept.push(["fields-dropped", surplus]);
    this.#sink.write({ level, message: cut(message, limits.logTextMax), fields: kept });
  }
}

const bounded = ([name, value]: WireField): LogRecord["fields"][number] => [
  cut(name, limits.logNameMax),
  typeof value.val === "string" ? cut(value.val, limits.logTextMax) : value.val,
];

/** At most `max` UTF-16 units and a note of what is missing; a surrogate pair is not split. */
const cut = (text: string, max: number): string => {
  if (text.length <= max) return text;
  const last = text.charCodeAt(max - 1);
  const end = last >= 0xd800 && last < 0xdc00 ? max - 1 : max;
  return `${text.slice(0, end)}… (${text.length - end} more)`;
};
