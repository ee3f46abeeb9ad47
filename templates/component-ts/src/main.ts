/** The world in wit/world.wit says what is exported here; `loop build` writes its types into generated/. */
export function greet(name: string): string {
  return `Hello, ${name}!`;
}

/** wasi:cli/run, which `loop run` calls. */
export const run = {
  run(): void {
    console.log(greet("World"));
  },
};
