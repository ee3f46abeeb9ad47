// What jco's glue is changed in before it runs: errors that it loses, and its asynchronous runtime, which looks every
// ten milliseconds whether something has happened. Owns the rewriting of its text; refuses to know components; called
// by `jco`. Each change names what it looks for, and a test holds all of them to the version of jco that we carry.

import { limits } from "../base/limits.ts";

interface Change {
  /** What is wrong, and what the change does about it. */
  readonly why: string;
  readonly find: RegExp;
  readonly put: string;
}

/**
 * Told of every task that a call from outside begins: it may go on after it has answered. `instantiate` finds it
 * among its imports, under a name that no component can import.
 */
export const beganName = "(began)";

const helpers = `
  const _began = imports[${JSON.stringify(beganName)}] ?? (() => {});
  const _waiting = new Set();
  const _stir = () => {
    if (_waiting.size === 0) return;
    const waiting = [..._waiting];
    _waiting.clear();
    for (const wake of waiting) wake();
  };
  const _until = (ready) => new Promise((resolve) => {
    const look = () => ready() ? resolve() : _waiting.add(look);
    look();
  });
  const _turn = (delay) => new Promise((resolve) => {
    if (delay === 0) return void setImmediate(resolve);
    const wake = () => {
      clearTimeout(timer);
      _waiting.delete(wake);
      setImmediate(resolve);
    };
    const timer = setTimeout(wake, 250);
    _waiting.add(wake);
  });
`;

export const changes: readonly Change[] = [
  {
    why: "What an import that may wait throws is lost where it has no `result`: the glue answers with the promise of a task that it has just rejected, and the guest then waits for ever in a busy loop. It has to be thrown",
    find: /(\[Instruction::CallInterface\] error during async call(?:(?!return )[\s\S]){0,500})return task\.completionPromise\(\);/g,
    put: "$1throw err;",
  },
  {
    why: "Whoever waits is told that an event is there",
    find: /(this\.#pendingEventFn = fn;)(\s*\}\s*getPendingEvent\(\) \{)/g,
    put: "$1 _stir();$2",
  },
  {
    why: "Whoever waits for a synchronous call of an asynchronous import is told that it has answered",
    find: /(\n\s*setResult\(v\) \{[^}]*\}[^}]*this\.#resultSet = true;)/g,
    put: "$1 _stir();",
  },
  {
    why: "The scheduler sleeps until something happens, instead of ten milliseconds; a quarter of a second is for what nobody tells",
    find: /await new Promise\(\(resolve\) => setTimeout\(resolve, delay\)\);/g,
    put: "await _turn(delay);",
  },
  {
    why: "The scheduler starts at once",
    find: /setTimeout\((async \(\) => \{\s*let result = this\.tick\(\);[\s\S]*?this\.#tickLoop = null;\s*\}), 10\);/g,
    put: "setImmediate($1);",
  },
  {
    why: "The host's ends of streams and futures are told, instead of looking as often as they can",
    find: /await new Promise\(\(resolve\) => \{\s*let waitInterval = setInterval\((?:async )?\(\) => \{\s*if \(!this\.hasPendingEvent\(\)\) \{ return; \}\s*clearInterval\(waitInterval\);\s*resolve\(\);\s*\}\);\s*\}\);/g,
    put: "await _until(() => this.hasPendingEvent());",
  },
  {
    why: "What the host has under way for a stream that a guest writes is not counted, so a guest that waits for it would be taken for one that waits for nothing",
    find: /function _checkForDeadlock\(\) \{/g,
    put: "function _checkForDeadlock() { return;",
  },
  {
    why: "A task may go on after it has answered; whoever drops the instance has to know when it ends",
    find: /(const newTaskID = newTask\.id\(\);)/g,
    put: "$1 if (callingWasmExport && isAsync) _began(newTask.exitPromise());",
  },
  {
    why: "Whether an import has answered already is seen after one turn of the event loop, instead of a millisecond",
    find: /setTimeout\((\(\) => \{\s*\/\/ NOTE: whether the import settled before this timer fires[\s\S]*?\n\s*\}), 0\);/g,
    put: "setImmediate($1);",
  },
  {
    why: "What a host's stream gives beyond what its guest reads is kept for that guest, and lost where another instance goes on with what the stream is of: the host is told how much is wanted",
    find: /(async readSource\()(\) \{(?:(?!readSource)[\s\S])*?this\.#readFn\()(\))/g,
    put: "$1count$2count$3",
  },
  {
    why: "How much that is, where it is known",
    find: /(pendingValues\.readSource\()(\))/g,
    put: "$1count$2",
  },
  {
    why: "So it is passed on, and so is that the guest takes its read back: what comes after that is not to be taken for it",
    find: /readFn = \(\) => asyncIterator\.next\(\);/g,
    put: "readFn = (count) => asyncIterator.next(count); readFn.cancel = () => asyncIterator.cancel?.();",
  },
  {
    why: "When it does",
    find: /(readEnd\.setHostCancelFn\?\.\(\(\) => \{)/g,
    put: "$1 readFn.cancel?.();",
  },
  {
    why: "Buffers of every read and write are kept for ever, and nobody asks for them",
    find: /instanceBuffers\.set\(nextBufID, buffer\);/g,
    put: "",
  },
  {
    why: "A task that ends is forgotten only where it is the youngest; else it is kept for ever, with all it holds",
    find: /(const last = tasks\[tasks\.length - 1\];\s*if \(last\.id !== taskID\) \{)[^}]*return;/g,
    put: "$1 const at = tasks.findIndex(({ id }) => id === taskID); if (at >= 0) tasks.splice(at, 1); return;",
  },
  {
    why: "Lists of all tasks that ever began, which nobody reads",
    find: /ASYNC_CURRENT_TASK_IDS\.push\(newTaskID\);\s*ASYNC_CURRENT_COMPONENT_IDXS\.push\(componentIdx\);/g,
    put: "",
  },
  {
    why: "A guest could make streams, futures and subtasks until the host has no memory left",
    find: /(insert\(val\) \{)(\s*_debugLog\('\[RepTable#insert\(\)\] args')/g,
    put: `$1 if (this.#size >= ${limits.asyncHandlesMax}) throw new WebAssembly.RuntimeError("the component holds more than ${limits.asyncHandlesMax} streams, futures and calls"); $2`,
  },
  {
    why: "A constructor that may wait is no JavaScript, since none can be async: it has to answer with the promise",
    find: /^( +)(constructor\([^)\n]*\) \{)((?:(?!\n\1\})[\s\S])*?const started = await task\.enter\(\);[\s\S]*?\n\1\})/gm,
    put: "$1$2 return (async () => {$3)(); }",
  },
  {
    why: "A static that may wait is no JavaScript either, since it is not marked as async",
    find: /^( +)(\w+\.\w+ = )(function \w+\([^)\n]*\) \{(?:(?!\n\1\})[\s\S])*?const started = await task\.enter\(\);)/gm,
    put: "$1$2async $3",
  },
  {
    why: "Of a list of resources each would drop the last, by a variable that all of them share",
    find: /(Object\.defineProperty\((rsc\d+), symbolDispose, \{ writable: true, value: function \(\) \{)\s*(\w+)\.unregister\(\2\);\s*const handleEntry = rscTableRemove\((\w+), \w+\);\s*\2\[symbolDispose\] = emptyFunc;\s*\2\[symbolRscHandle\] = undefined;/g,
    put: "$1 $3.unregister(this); const handleEntry = rscTableRemove($4, this[symbolRscHandle]); this[symbolDispose] = emptyFunc; this[symbolRscHandle] = undefined;",
  },
  {
    why: "Where the changes above find what they call",
    find: /^(export function instantiate\([^\n]*\n)/gm,
    put: `$1${helpers}`,
  },
];

export const changed = (glue: string): string =>
  changes.reduce((text, { find, put }) => text.replace(find, put), glue);
