import { Fault } from "../base/fault.ts";
import { wasmTools } from "../contract/tools.ts";
import { noGrants } from "../trust/grants.ts";
import { type VerifiedComponent, verify } from "../trust/verify.ts";
import { type Candidate, Live } from "./live.ts";
import { type LinkedPlan, link } from "./plan.ts";
import type { InstanceContext, Provider } from "./provider.ts";

// For tests and benchmarks: a counter in a place, whose count is its state and whose functions can be told to misbehave; a
// filling of a slot that takes several, and one that makes objects; and what an instance is given that needs nothing.

/** What a counter does differently from the usual one; each text is core code. */
export interface Made {
  /** Added at each count, which is how calls tell generations apart. */
  readonly step?: number;
  readonly start?: string;
  readonly save?: string;
  readonly restore?: string;
  readonly health?: string;
  /** The only version of state that it takes, a digit. */
  readonly takes?: number;
  readonly handsOver?: boolean;
  readonly waits?: boolean;
  /** Imports of nothing, by name. */
  readonly imports?: readonly string[];
  /** Another function instead of `count`. */
  readonly exported?: string;
}

/**
 * `count` adds a step and answers the sum; `nap` waits at the host and answers the sum; `mood` sets `$mood`, which the
 * functions that misbehave may look at.
 */
export const counterText = ({ step = 1, takes = 1, ...made }: Made): string => {
  const { start = "", save = "", restore = "", health, handsOver = true, waits = false } = made;
  const host = waits
    ? `(import "t:t/host" (instance $host (export "rest" (func))))
       (core func $rest (canon lower (func $host "rest")))`
    : "";
  const imports = (made.imports ?? []).map((name) => `(import "${name}" (instance))`);
  return `(component
  ${imports.join("\n")}
  ${host}
  (core module $m
    ${waits ? '(import "host" "rest" (func $rest))' : "(func $rest)"}
    (memory (export "memory") 1)
    (data (i32.const 64) "${takes}")
    (data (i32.const 80) "other version")
    (data (i32.const 112) "not today")
    (global $sum (mut i32) (i32.const 0))
    (global $mood (mut i32) (i32.const 0))
    (global $next (mut i32) (i32.const 1024))
    (func $start ${start}) (start $start)
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) (local $at i32)
      (local.set $at (global.get $next))
      (global.set $next (i32.add (local.get $at) (i32.and (i32.add (local.get 3) (i32.const 7)) (i32.const -8))))
      (local.get $at))
    (func (export "count") (result i32)
      (global.set $sum (i32.add (global.get $sum) (i32.const ${step}))) (global.get $sum))
    (func (export "mood") (param i32) (global.set $mood (local.get 0)))
    (func (export "nap") (result i32) (call $rest) (global.get $sum))
    (func (export "save") (result i32) ${save}
      (i32.store (i32.const 8) (global.get $sum))
      (i32.store (i32.const 16) (i32.const 64)) (i32.store (i32.const 20) (i32.const 1))
      (i32.store (i32.const 24) (i32.const 8)) (i32.store (i32.const 28) (i32.const 4))
      (i32.const 16))
    (func (export "restore") (param i32 i32 i32 i32) (result i32) ${restore}
      (if (i32.ne (i32.load8_u (local.get 0)) (i32.load8_u (i32.const 64)))
        (then
          (i32.store (i32.const 32) (i32.const 1))
          (i32.store (i32.const 36) (i32.const 80)) (i32.store (i32.const 40) (i32.const 13)))
        (else
          (i32.store (i32.const 32) (i32.const 0))
          (global.set $sum (i32.load (local.get 2)))))
      (i32.const 32))
    (func (export "check") (result i32) ${health ?? ""}
      (i32.store (i32.const 48) (i32.const 0)) (i32.const 48)))
  (core instance $i (instantiate $m ${waits ? '(with "host" (instance (export "rest" (func $rest))))' : ""}))
  (alias core export $i "memory" (core memory $memory))
  (alias core export $i "realloc" (core func $realloc))
  (func $count (result u32) (canon lift (core func $i "count")))
  (func $mood (param "mood" u32) (canon lift (core func $i "mood")))
  (func $nap (result u32) (canon lift (core func $i "nap")))
  (instance (export "t:t/counter") (export "${made.exported ?? "count"}" (func $count)) (export "nap" (func $nap)) (export "mood" (func $mood)))
  ${handsOver ? handoverText : ""}
  ${health === undefined ? "" : healthText})`;
};

const handoverText = `
  (type $saved (record (field "version" string) (field "bytes" (list u8))))
  (component $shim
    (type $s (record (field "version" string) (field "bytes" (list u8))))
    (import "saved" (type $saved (eq $s)))
    (import "save" (func $save (result $saved)))
    (import "restore" (func $restore (param "version" string) (param "bytes" (list u8)) (result (result (error string)))))
    (export $named "saved" (type $saved))
    (export "save" (func $save) (func (result $named)))
    (export "restore" (func $restore)))
  (func $save (result $saved) (canon lift (core func $i "save") (memory $memory)))
  (func $restore (param "version" string) (param "bytes" (list u8)) (result (result (error string)))
    (canon lift (core func $i "restore") (memory $memory) (realloc $realloc)))
  (instance $h (instantiate $shim (with "saved" (type $saved)) (with "save" (func $save)) (with "restore" (func $restore))))
  (export "loop:core/handover@0.1.0" (instance $h))`;

const healthText = `
  (func $check (result (result (error string))) (canon lift (core func $i "check") (memory $memory)))
  (instance (export "loop:core/health@0.1.0") (export "check" (func $check)))`;

/** Calls of `nap` that wait, each with what ends it. */
export const rests: (() => void)[] = [];
export const host: Provider = {
  name: "host",
  interfaces: ["t:t/host"],
  suspending: ["t:t/host#rest"],
  defaultGranted: "*",
  instantiate: () => ({
    "t:t/host": { rest: () => new Promise<void>((resolve) => rests.push(() => resolve())) },
  }),
};

export const planOf = async (made: Made): Promise<LinkedPlan> => {
  const bytes = await (await wasmTools()).parse(counterText(made));
  return link(verify(`counter-${JSON.stringify(made)}`, bytes), { providers: [host] });
};

/** What an instance is given that is granted nothing, reads nothing and is heard by nobody, but for `more`. */
export const quietContext = (
  { identifier, digest }: Pick<VerifiedComponent, "identifier" | "digest">,
  more: Partial<InstanceContext> = {},
): InstanceContext => ({
  component: { identifier, digest },
  args: [],
  grants: noGrants,
  stdio: {
    stdin: { read: () => undefined, isTerminal: false },
    stdout: { write() {}, flush() {}, isTerminal: false },
    stderr: { write() {}, flush() {}, isTerminal: false },
  },
  onDrop() {},
  ...more,
});

/** The same for one that can be stopped. */
export const contextOf = ({ component }: Pick<LinkedPlan, "component">): InstanceContext =>
  quietContext(component, { limits: { stoppable: true } });

export const candidate = (plan: LinkedPlan, more: Partial<Candidate> = {}): Candidate => ({
  plan,
  start: () => plan.instantiate(contextOf(plan)),
  ...more,
});

/** A place with a counter in it. */
export const placed = async (made: Made = {}): Promise<Live> => {
  const plan = await planOf(made);
  const whole = plan.world;
  const name = "t:t/counter";
  const contract = { ...whole, exports: new Map([[name, whole.exports.get(name)!]]) };
  const instance = await plan.instantiate(contextOf(plan));
  return new Live({ place: "counter", contract, waits: true }, plan, instance);
};

export const count = (live: Live) => live.callNow("t:t/counter", "count", []);
export const swapTo = async (live: Live, made: Made, more: Partial<Candidate> = {}) => {
  const plan = await planOf(made);
  return live.swap(async (phases, requireFit) => {
    phases.enter("compare");
    requireFit(plan.component, plan.world);
    phases.enter("link");
    return candidate(plan, more);
  });
};

export const failure = async (work: Promise<unknown>): Promise<Fault> => {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error instanceof Fault) return error;
  throw new Error(`A fault was looked for, and there is ${error}`);
};

export const phaseOf = (fault: Fault): string | undefined =>
  /^Swapping: (\w+)/.exec(fault.causes.find(({ slot }) => slot === "counter")?.message ?? "")?.[1];

/** Exports s:s/pick@0.1.0 with `pick: func(n: u32) -> list<u32>`: [n + add], or a loop without end. */
export const picker = (add: number, endless = false) => `(component
  (core module $m (memory (export "mem") 1)
    (func (export "pick") (param i32) (result i32) ${endless ? "(loop $l (br $l))" : ""}
      (i32.store (i32.const 16) (i32.add (local.get 0) (i32.const ${add})))
      (i32.store (i32.const 0) (i32.const 16)) (i32.store (i32.const 4) (i32.const 1)) (i32.const 0)))
  (core instance $i (instantiate $m))
  (func $pick (param "n" u32) (result (list u32))
    (canon lift (core func $i "pick") (memory (core memory $i "mem"))))
  (instance $api (export "pick" (func $pick)))
  (export "s:s/pick@0.1.0" (instance $api)))`;

/** Imports t:t/host@0.1.0 with `next: func(n: u32) -> u32`, and calls it in `body`, which has `$calls` to count with. */
const calling = (body: string, exported: string, more = "") => `(component
  (import "t:t/host@0.1.0" (instance $host (export "next" (func (param "n" u32) (result u32)))))
  (core func $next (canon lower (func $host "next")))
  (core module $m
    (import "host" "next" (func $next (param i32) (result i32)))
    (global $calls (mut i32) (i32.const 0))
    ${more}
    (func (export "next") (param i32) (result i32) ${body}))
  (core instance $i (instantiate $m (with "host" (instance (export "next" (func $next))))))
  (func $f (param "n" u32) (result u32) (canon lift (core func $i "next")))
  ${exported})`;

/** Stands before whoever serves t:t/host. */
export const passer = (body: string, more = "") =>
  calling(body, `(instance $api (export "next" (func $f))) (export "t:t/host@0.1.0" (instance $api))`, more);

/** A guest of it: `go` is what `next` answers. */
export const passerGuest = calling("(call $next (local.get 0))", `(export "go" (func $f))`);

/**
 * Exports a:b/counters@1.0.0: objects whose number a generation multiplies with its own factor. `peek` has an err for
 * those that are gone; `dropped` counts those that came back; `get` is core code that runs before it answers.
 */
export const counters = (factor: number, get = "") => `(component
  (core module $d
    (global $dropped (mut i32) (i32.const 0))
    (func (export "drop") (param i32) (global.set $dropped (i32.add (global.get $dropped) (i32.const 1))))
    (func (export "dropped") (result i32) (global.get $dropped)))
  (core instance $d (instantiate $d))
  (type $counter' (resource (rep i32) (dtor (core func $d "drop"))))
  (core func $new (canon resource.new $counter'))
  (core module $m
    (import "" "new" (func $new (param i32) (result i32)))
    (memory (export "mem") 1)
    (func (export "make") (param i32) (result i32) (call $new (i32.mul (local.get 0) (i32.const ${factor}))))
    (func (export "get") (param i32) (result i32) ${get} (local.get 0))
    (func (export "peek") (param i32) (result i32) (i32.const 16))
    (func (export "both") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1))))
  (core instance $i (instantiate $m (with "" (instance (export "new" (func $new))))))
  (type $trouble' (enum "closed"))
  (func $make (param "n" u32) (result (own $counter')) (canon lift (core func $i "make")))
  (func $get (param "self" (borrow $counter')) (result u32) (canon lift (core func $i "get")))
  (func $peek (param "self" (borrow $counter')) (result (result (error $trouble')))
    (canon lift (core func $i "peek") (memory (core memory $i "mem"))))
  (func $both (param "a" (borrow $counter')) (param "b" (borrow $counter')) (result u32)
    (canon lift (core func $i "both")))
  (func $dropped (result u32) (canon lift (core func $d "dropped")))
  (component $shim
    (import "t" (type $t (sub resource)))
    (type $e' (enum "closed"))
    (import "e" (type $e (eq $e')))
    (import "m" (func $m (param "n" u32) (result (own $t))))
    (import "g" (func $g (param "self" (borrow $t)) (result u32)))
    (import "p" (func $p (param "self" (borrow $t)) (result (result (error $e)))))
    (import "b" (func $b (param "a" (borrow $t)) (param "b" (borrow $t)) (result u32)))
    (import "d" (func $d (result u32)))
    (export $u "counter" (type $t))
    (export $f "trouble" (type $e))
    (export "[constructor]counter" (func $m) (func (param "n" u32) (result (own $u))))
    (export "[method]counter.get" (func $g) (func (param "self" (borrow $u)) (result u32)))
    (export "[method]counter.peek" (func $p) (func (param "self" (borrow $u)) (result (result (error $f)))))
    (export "[static]counter.both" (func $b) (func (param "a" (borrow $u)) (param "b" (borrow $u)) (result u32)))
    (export "dropped" (func $d)))
  (instance $s (instantiate $shim (with "t" (type $counter')) (with "e" (type $trouble')) (with "m" (func $make))
    (with "g" (func $get)) (with "p" (func $peek)) (with "b" (func $both)) (with "d" (func $dropped))))
  (export "a:b/counters@1.0.0" (instance $s)))`;

/** A guest of counters, which it holds under numbers. `peek` answers 1 where one is gone. */
export const countersGuest = `(component
  (import "a:b/counters@1.0.0" (instance $c
    (export "counter" (type $t (sub resource)))
    (type $e' (enum "closed"))
    (export "trouble" (type $e (eq $e')))
    (export "[constructor]counter" (func (param "n" u32) (result (own $t))))
    (export "[method]counter.get" (func (param "self" (borrow $t)) (result u32)))
    (export "[method]counter.peek" (func (param "self" (borrow $t)) (result (result (error $e)))))
    (export "[static]counter.both" (func (param "a" (borrow $t)) (param "b" (borrow $t)) (result u32)))
    (export "dropped" (func (result u32)))))
  (alias export $c "counter" (type $counter))
  (core module $mem (memory (export "mem") 1))
  (core instance $memory (instantiate $mem))
  (core func $make (canon lower (func $c "[constructor]counter")))
  (core func $get (canon lower (func $c "[method]counter.get")))
  (core func $peek (canon lower (func $c "[method]counter.peek") (memory (core memory $memory "mem"))))
  (core func $both (canon lower (func $c "[static]counter.both")))
  (core func $dropped (canon lower (func $c "dropped")))
  (core func $drop (canon resource.drop $counter))
  (core module $m
    (import "c" "make" (func $make (param i32) (result i32)))
    (import "c" "get" (func $get (param i32) (result i32)))
    (import "c" "peek" (func $peek (param i32 i32)))
    (import "c" "both" (func $both (param i32 i32) (result i32)))
    (import "c" "dropped" (func $dropped (result i32)))
    (import "c" "drop" (func $drop (param i32)))
    (import "c" "mem" (memory 1))
    (func (export "make") (param i32) (result i32) (call $make (local.get 0)))
    (func (export "get") (param i32) (result i32) (call $get (local.get 0)))
    (func (export "peek") (param i32) (result i32)
      (call $peek (local.get 0) (i32.const 16)) (i32.load8_u (i32.const 16)))
    (func (export "both") (param i32 i32) (result i32) (call $both (local.get 0) (local.get 1)))
    (func (export "dropped") (result i32) (call $dropped))
    (func (export "drop") (param i32) (call $drop (local.get 0))))
  (core instance $i (instantiate $m (with "c" (instance
    (export "make" (func $make)) (export "get" (func $get)) (export "peek" (func $peek)) (export "both" (func $both))
    (export "dropped" (func $dropped)) (export "drop" (func $drop)) (export "mem" (memory $memory "mem"))))))
  (func (export "make") (param "n" u32) (result u32) (canon lift (core func $i "make")))
  (func (export "get") (param "h" u32) (result u32) (canon lift (core func $i "get")))
  (func (export "peek") (param "h" u32) (result u32) (canon lift (core func $i "peek")))
  (func (export "both") (param "a" u32) (param "b" u32) (result u32) (canon lift (core func $i "both")))
  (func (export "dropped") (result u32) (canon lift (core func $i "dropped")))
  (func (export "drop") (param "h" u32) (canon lift (core func $i "drop"))))`;
