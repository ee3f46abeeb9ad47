// Guest code. Resources on both sides: what the guest holds of the host's (`Imported`), and what the host holds
// of the guest's (`Exported`). The engine's own handle stays in a private field, so the last reference to it is
// ours to drop, and a handle that was given away or disposed of is an error instead of another resource's.
import { Mismatch } from "./values.guest.js";

class Bare {
  constructor(object) {
    // biome-ignore lint/correctness/noConstructorReturn: returning the object is how a private field gets onto it
    return object;
  }
}

class Handle extends Bare {
  #native;
  constructor(object, native) {
    super(object);
    this.#native = native;
  }
  static of(object) {
    return object !== null && typeof object === "object" && #native in object ? object.#native : undefined;
  }
  static is(object) {
    return object !== null && typeof object === "object" && #native in object;
  }
  static drop(object) {
    if (#native in object) object.#native = undefined;
  }
}

/** Objects whose handles the call that is being made gives away; and those lent by the call being answered. */
const moving = [];
let lent = [];

export const beginMove = () => {
  moving.length = 0;
};

/** The arguments of an import are all lowered: what was given as `own` is gone from now on. */
export const finishMove = () => {
  for (const object of moving) Handle.drop(object);
  moving.length = 0;
};

export const beginLoan = () => {
  const before = lent;
  lent = [];
  return before;
};

/** The export has answered: what the host lent it ends here. */
export const endLoan = (before) => {
  for (const object of lent) Handle.drop(object);
  lent = before;
};

const dispose = Symbol.dispose ?? Symbol.for("dispose");

/** A resource of the host's. `make` calls its constructor; methods are put on `Class.prototype` by the bindings. */
export const imported = (name, make) => {
  const Class = {
    [name]: class {
      constructor(...args) {
        if (!make) throw new TypeError(`${name} has no constructor; a function of its interface makes one`);
        new Handle(this, make(args));
      }
    },
  }[name];
  Object.defineProperty(Class.prototype, dispose, {
    value() {
      const native = Handle.of(this);
      Handle.drop(this);
      native?.[dispose]?.();
    },
    configurable: true,
    writable: true,
  });
  const wrap = (native) => new Handle(Object.create(Class.prototype), native);
  const unwrap = (value) => {
    const native = value instanceof Class ? Handle.of(value) : undefined;
    if (native !== undefined) return native;
    if (Handle.is(value) && value instanceof Class)
      throw new Mismatch(
        TypeError,
        `a live ${name}`,
        value,
        "one that was disposed of, given away or only lent",
      );
    throw new Mismatch(TypeError, `a ${name}`, value);
  };
  return {
    Class,
    unwrap,
    own: {
      lower(value) {
        const native = unwrap(value);
        moving.push(value);
        return native;
      },
      lift: wrap,
    },
    borrow: {
      lower: unwrap,
      lift(native) {
        const value = wrap(native);
        lent.push(value);
        return value;
      },
    },
  };
};

/**
 * A resource of the guest's: the engine holds a carrier, made anew each time one is given out, so that the
 * guest's own object can come back and be given again.
 */
export const exported = (name) => {
  const Carrier = class {
    constructor(impl) {
      this.impl = impl;
    }
  };
  const back = (carrier) => carrier.impl;
  const state = { Class: undefined };
  return {
    Carrier,
    state,
    own: {
      lower(value) {
        if (state.Class && !(value instanceof state.Class)) throw new Mismatch(TypeError, `a ${name}`, value);
        return new Carrier(value);
      },
      lift: back,
    },
    borrow: {
      lower() {
        throw new Mismatch(TypeError, `a ${name} of the host's`, undefined, "one of its own");
      },
      lift: back,
    },
  };
};
