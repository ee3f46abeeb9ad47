// What scripts of other engines expect of their host: a few functions, a resource and a core module under known
// names, as wasmtime's runner offers them.

/** A new one for each script, because it counts. */
export const scriptHost = (): Record<string, unknown> => {
  let drops = 0;
  let lastDrop = 0;
  class Resource1 {
    readonly rep: number;

    constructor(rep: number) {
      this.rep = rep;
    }

    static assert(resource: Resource1, rep: number) {
      if (resource.rep !== rep)
        throw new WebAssembly.RuntimeError(`${rep} was expected, ${resource.rep} came`);
    }

    static lastDrop = () => lastDrop;
    static drops = () => drops;

    simple(rep: number) {
      Resource1.assert(this, rep);
    }

    takeBorrow() {}
    takeOwn() {}

    [Symbol.dispose]() {
      drops++;
      lastDrop = this.rep;
    }
  }
  class Resource2 {}
  return {
    "host-return-two": () => 2,
    "host-echo-u32": (value: number) => value,
    host: {
      returnThree: () => 3,
      returnHi: () => "hi",
      nested: { returnFour: () => 4 },
      "simple-module": new WebAssembly.Module(simpleModule),
      Resource1,
      Resource1Again: Resource1,
      Resource2,
    },
  };
};

// (module (global (export "g") i32 i32.const 100) (func (export "f") (result i32) i32.const 101))
const simpleModule = Uint8Array.of(
  ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00, 0x01, 0x05, 0x01, 0x60, 0x00, 0x01, 0x7f, 0x03, 0x02],
  ...[0x01, 0x00, 0x06, 0x07, 0x01, 0x7f, 0x00, 0x41, 0xe4, 0x00, 0x0b, 0x07, 0x09, 0x02, 0x01, 0x67, 0x03],
  ...[0x00, 0x01, 0x66, 0x00, 0x00, 0x0a, 0x07, 0x01, 0x05, 0x00, 0x41, 0xe5, 0x00, 0x0b],
);
