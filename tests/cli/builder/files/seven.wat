(component
  (core module $main (func (export "seven") (result i32) (i32.const 7)))
  (core instance $i (instantiate $main))
  (func $seven (result u32) (canon lift (core func $i "seven")))
  (export "seven" (func $seven)))
