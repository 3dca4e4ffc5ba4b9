;; One-line loops that measure themselves and print "NAME NS ns".
(module
  (import "wasi_snapshot_preview1" "clock_time_get" (func $clock (param i32 i64 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 4)
  (data (i32.const 32) "sum 0000000000 ns\n")
  (data (i32.const 64) "mix 0000000000 ns\n")

  (func $now (result i64)
    (drop (call $clock (i32.const 1) (i64.const 1) (i32.const 16)))
    (i64.load (i32.const 16)))

  ;; adds up 64 KiB of bytes, 100 times
  (func $sum (result i32) (local $i i32) (local $s i32) (local $n i32)
    (local.set $n (i32.const 100))
    (loop $again
      (local.set $i (i32.const 65536))
      (loop $byte
        (local.set $s (i32.add (local.get $s) (i32.load8_u offset=65536 (local.get $i))))
        (br_if $byte (local.tee $i (i32.sub (local.get $i) (i32.const 1)))))
      (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (local.get $s))

  ;; multiplies and xors, 6,553,600 times
  (func $mix (result i32) (local $i i32) (local $s i32)
    (local.set $i (i32.const 6553600))
    (loop $step
      (local.set $s (i32.xor (i32.mul (local.get $s) (i32.const 31)) (local.get $i)))
      (br_if $step (local.tee $i (i32.sub (local.get $i) (i32.const 1)))))
    (local.get $s))

  (func $print (param $line i32) (param $ns i64) (local $at i32)
    (local.set $at (i32.add (local.get $line) (i32.const 13)))
    (loop $digit
      (i32.store8 (local.get $at) (i32.add (i32.const 48) (i32.wrap_i64 (i64.rem_u (local.get $ns) (i64.const 10)))))
      (local.set $at (i32.sub (local.get $at) (i32.const 1)))
      (local.set $ns (i64.div_u (local.get $ns) (i64.const 10)))
      (br_if $digit (i64.ne (local.get $ns) (i64.const 0))))
    (i32.store (i32.const 0) (local.get $line))
    (i32.store (i32.const 4) (i32.const 18))
    (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8))))

  (func (export "_start") (local $from i64)
    (local.set $from (call $now))
    (drop (call $sum))
    (call $print (i32.const 32) (i64.sub (call $now) (local.get $from)))
    (local.set $from (call $now))
    (drop (call $mix))
    (call $print (i32.const 64) (i64.sub (call $now) (local.get $from)))))
