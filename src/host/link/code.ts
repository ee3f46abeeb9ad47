// Source text under construction. Everything that comes from a component's bytes enters it through `quoted`.

/** Text as a JavaScript string literal. */
export const quoted = (text: string): string => JSON.stringify(text);

/** A property in an object literal; a computed name, so that "__proto__" is a name like any other. */
export const property = (name: string, value: string): string =>
  name === "__proto__" ? `["__proto__"]: ${value}` : `${quoted(name)}: ${value}`;

const isSimple = (expression: string): boolean => /^(?:[a-z]\w*|-?\d+n?)$/i.test(expression);

/** Names and lines of one generated function and of those beside it. */
export class Code {
  #lines: string[] = [];
  #count = 0;
  readonly #outside: string[] = [];
  readonly #named = new Map<unknown, string>();

  fresh(prefix: string): string {
    return `${prefix}${this.#count++}`;
  }

  line(text: string): void {
    this.#lines.push(text);
  }

  /** Binds an expression to a name, unless it is one. */
  bind(expression: string, prefix = "t"): string {
    if (isSimple(expression)) return expression;
    const name = this.fresh(prefix);
    this.line(`const ${name} = ${expression};`);
    return name;
  }

  declare(initial: string, prefix = "t"): string {
    const name = this.fresh(prefix);
    this.line(`let ${name} = ${initial};`);
    return name;
  }

  /** A frozen table or object made outside the function, once for each content. */
  constant(initial: string): string {
    let name = this.#named.get(initial);
    if (!name) {
      name = this.fresh("k");
      this.#named.set(initial, name);
      this.#outside.push(`const ${name} = ${initial};`);
    }
    return name;
  }

  /** A function of its own for a key, made once; `make` writes its body and may return a result. */
  outlined(key: string, prefix: string, params: string, make: () => string): string {
    let name = this.#named.get(key);
    if (name) return name;
    name = this.fresh(prefix);
    this.#named.set(key, name);
    const before = this.#lines;
    this.#lines = [];
    const result = make();
    this.#outside.push(`const ${name} = (${params}) => {`, ...this.#lines, `return ${result};`, "};");
    this.#lines = before;
    return name;
  }

  /** What was written: first what stands outside the function, then its lines. */
  text(): { outside: string; inside: string } {
    return { outside: this.#outside.join("\n"), inside: this.#lines.join("\n") };
  }
}
