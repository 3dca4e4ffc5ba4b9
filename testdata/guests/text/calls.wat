;; Guests that call the host in wrong ways. What the host must answer is checked here: "unreachable" is the end of a
;; guest that got the right answer, exit code 3 of one that did not.

{{ define "expect" }}(func $expect (param $got i32) (param $want i32)
  (if (i32.ne (local.get $got) (local.get $want)) (then (call $exit (i32.const 3))))){{ end }}

{{ define "pollpointer" }} ;; the buffer ends outside of memory
(func $bad (drop (call $poll (i32.const 0xfffffff0) (i32.const 0x100))) (drop (call $poll (i32.const 0) (i32.const 16)))
  (loop $l (br $l)))
{{ end }}

{{ define "polllength" }}
(func $bad (drop (call $poll (i32.const 65536) (i32.const 0x7fffffff))) (drop (call $poll (i32.const 0) (i32.const 16)))
  (loop $l (br $l)))
{{ end }}

{{ define "puthead" }}
{{ template "expect" }}
(func $bad
  (call $expect (i32.const -2) (call $put (i32.const 3) (global.get $seq) (i32.const 0xffff0000) (i32.const 0xffff)
    (i32.const 0) (i32.const 0)))
  (call $expect (i32.const -2) (call $put (i32.const 3) (global.get $seq) (i32.const 0x100) (i32.const 0xffffffff)
    (i32.const 0) (i32.const 0)))
  unreachable)
{{ end }}

{{ define "putdata" }}
{{ template "expect" }}
(func $bad
  (call $expect (i32.const -2) (call $put (i32.const 3) (global.get $seq) (i32.const 0) (i32.const 0)
    (i32.const 0xffff0000) (i32.const 0xffff)))
  (call $expect (i32.const -2) (call $put (i32.const 3) (global.get $seq) (i32.const 0) (i32.const 0)
    (i32.const 4194303) (i32.const 2)))
  unreachable)
{{ end }}

{{ define "puthuge" }} ;; head and data of 40 MiB each are more than a message may have
(func $bad
  (drop (memory.grow (i32.const 1000)))
  (drop (call $put (i32.const 3) (global.get $seq) (i32.const 0) (i32.const 41943040) (i32.const 0) (i32.const 41943040)))
  (loop $l (br $l)))
{{ end }}

{{ define "putlarge" }} ;; 20 MiB, a thousand times what it was given
(func $bad
  (drop (memory.grow (i32.const 1000)))
  (drop (call $put (i32.const 3) (global.get $seq) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 20971520)))
  (loop $l (br $l)))
{{ end }}

{{ define "putkind" }}
(func $bad
  (drop (call $put (i32.const 4711) (global.get $seq) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)))
  (loop $l (br $l)))
{{ end }}

{{ define "puttwice" }} ;; READY again
(func $bad
  (drop (call $put (i32.const 1) (i32.const 1) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)))
  (loop $l (br $l)))
{{ end }}

{{ define "putspin" }} ;; puts what is refused, without end
(func $bad
  (loop $l
    (drop (call $put (i32.const 3) (global.get $seq) (i32.const 0xffff0000) (i32.const 1) (i32.const 0) (i32.const 0)))
    (br $l)))
{{ end }}

{{ define "garbage" }} ;; a batch of chance bytes
(func $bad
  (drop (call $random_get (i32.const 1048576) (i32.const 65536)))
  (call $send (i32.const 3) (global.get $seq) (i32.const 1048576) (i32.const 65536))
  (loop $l (br $l)))
{{ end }}

{{ define "almost" }} ;; the batch that was asked about, but one of its offsets points out of it
(func $bad
  (i32.store (i32.const 65604) (i32.load (i32.const 65564)))
  (i32.store (i32.add (i32.const 65600) (i32.load (i32.const 65592))) (i32.const 0x7ffffff0))
  (call $send (i32.const 3) (global.get $seq) (i32.const 65552) (i32.sub (global.get $length) (i32.const 16)))
  (loop $l (br $l)))
{{ end }}

{{ define "commitpointer" }}
{{ template "expect" }}
(func $bad
  (call $expect (i32.const -2) (call $commit (global.get $seq) (i32.const 0xffff0000) (i32.const 0xffff)))
  (call $expect (i32.const -2) (call $commit (global.get $seq) (i32.const 1) (i32.const 0xffffffff)))
  unreachable)
{{ end }}

{{ define "commitgarbage" }}
(func $bad
  (drop (call $commit (global.get $seq) (i32.const 512) (i32.const 14)))
  (loop $l (br $l)))
{{ end }}

{{ define "commitseq" }}
(func $bad
  (drop (call $commit (i32.const 4711) (i32.const 512) (i32.const 0)))
  (loop $l (br $l)))
{{ end }}

{{ define "logpointer" }} ;; nothing is logged, whatever the level
(func $bad
  (call $log (i32.const 4) (i32.const 0xffff0000) (i32.const 0xffff))
  (call $log (i32.const -1) (i32.const 4194300) (i32.const 0xffffffff))
  unreachable)
{{ end }}

{{ define "metricpointer" }}
(func $bad
  (call $metric (i32.const 0xffff0000) (i32.const 0xffff) (i32.const 0) (f64.const 1))
  (call $metric (i32.const 4194300) (i32.const 0xffffffff) (i32.const 7) (f64.const nan))
  (call $metric (i32.const 65536) (i32.const 200) (i32.const 1) (f64.const -inf))
  unreachable)
{{ end }}

{{ define "metricflood" }} ;; another name each time
(func $bad
  (loop $l
    (i64.store (i32.const 600) (i64.add (i64.load (i32.const 600)) (i64.const 1)))
    (i64.store (i32.const 620) (i64.or (i64.load (i32.const 600)) (i64.const 0x4141414141414141)))
    (call $metric (i32.const 620) (i32.const 8) (i32.const 0) (f64.const 1))
    (br $l)))
{{ end }}

{{ define "position" }} ;; of the position, of which nothing can be read, there is no error: the trace tells no record
(func $bad (call $position (i32.const 0xfffffff8)) unreachable)
{{ end }}

{{ define "fdwrite" }} ;; iovecs outside, too many of them, and what they point to outside
{{ template "expect" }}
(func $bad
  (call $expect (i32.const 21) (call $fd_write (i32.const 2) (i32.const 0xffff0000) (i32.const 4) (i32.const 640)))
  (call $expect (i32.const 21) (call $fd_write (i32.const 2) (i32.const 4194300) (i32.const 1) (i32.const 640)))
  (i64.store (i32.const 656) (i64.const 0x0000ffff_ffff0000))
  (call $expect (i32.const 21) (call $fd_write (i32.const 2) (i32.const 656) (i32.const 1) (i32.const 640)))
  unreachable)
{{ end }}

{{ define "fdread" }}
{{ template "expect" }}
(func $bad
  (call $expect (i32.const 21) (call $fd_read (i32.const 0) (i32.const 0xffff0000) (i32.const 4) (i32.const 640)))
  (i64.store (i32.const 656) (i64.const 0x0000ffff_ffff0000))
  (call $expect (i32.const 21) (call $fd_read (i32.const 0) (i32.const 656) (i32.const 1) (i32.const 640)))
  unreachable)
{{ end }}

{{ define "randomget" }}
{{ template "expect" }}
(func $bad
  (call $expect (i32.const 21) (call $random_get (i32.const 0xffff0000) (i32.const 0xffff)))
  (call $expect (i32.const 21) (call $random_get (i32.const 1) (i32.const 0xffffffff)))
  unreachable)
{{ end }}

{{ define "polloneoff" }} ;; subscriptions and events outside, none of them, more than a product of 32 bits holds
{{ template "expect" }}
(func $bad
  (call $expect (i32.const 21) (call $poll_oneoff (i32.const 0xffff0000) (i32.const 256) (i32.const 1) (i32.const 320)))
  (call $expect (i32.const 21) (call $poll_oneoff (i32.const 128) (i32.const 0xffff0000) (i32.const 1) (i32.const 320)))
  (call $expect (i32.const 28) (call $poll_oneoff (i32.const 128) (i32.const 256) (i32.const 0) (i32.const 320)))
  (call $expect (i32.const 28)
    (call $poll_oneoff (i32.const 128) (i32.const 256) (i32.const 0x05555556) (i32.const 320)))
  unreachable)
{{ end }}

{{ define "fdwritebomb" }} ;; one call that writes 4 MiB four thousand times over
(func $bad (local $i i32)
  (loop $fill
    (i64.store (i32.add (i32.const 1048576) (local.get $i)) (i64.const 0x00400000_00000000))
    (local.set $i (i32.add (local.get $i) (i32.const 8)))
    (br_if $fill (i32.lt_u (local.get $i) (i32.const 32768))))
  (loop $l
    (drop (call $fd_write (i32.const 2) (i32.const 1048576) (i32.const 4096) (i32.const 640)))
    (br $l)))
{{ end }}

{{ define "newlines" }} ;; a million empty lines in one call
(func $bad
  (memory.fill (i32.const 1048576) (i32.const 10) (i32.const 1048576))
  (i64.store (i32.const 656) (i64.const 0x00100000_00100000))
  (loop $l
    (drop (call $fd_write (i32.const 2) (i32.const 656) (i32.const 1) (i32.const 640)))
    (br $l)))
{{ end }}

{{ define "logflood" }}
(func $bad
  (loop $l
    (call $log (i32.const 2) (i32.const 65536) (i32.const 16384))
    (br $l)))
{{ end }}

{{ define "randombomb" }} ;; half a GiB of chance in one call
(func $bad
  (if (i32.eq (i32.const -1) (memory.grow (i32.const 8000))) (then unreachable))
  (loop $l
    (drop (call $random_get (i32.const 4194304) (i32.const 0x1f000000)))
    (br $l)))
{{ end }}

{{ define "clockspin" }}
(func $bad
  (loop $l
    (drop (call $clock_time_get (i32.const 1) (i64.const 0) (i32.const 640)))
    (drop (call $sched_yield))
    (br $l)))
{{ end }}

{{ define "pollspin" }} ;; 60,000 subscriptions that are never ready, beside one that is at once
(func $bad (local $i i32)
  (loop $fill
    (memory.copy (i32.add (i32.const 1048576) (i32.mul (local.get $i) (i32.const 48))) (i32.const 128) (i32.const 48))
    (local.set $i (i32.add (local.get $i) (i32.const 1)))
    (br_if $fill (i32.lt_u (local.get $i) (i32.const 30000))))
  (i32.store8 (i32.const 1048584) (i32.const 0))
  (i64.store (i32.const 1048592) (i64.const 1))
  (loop $l
    (drop (call $poll_oneoff (i32.const 1048576) (i32.const 2621440) (i32.const 30000) (i32.const 320)))
    (br $l)))
{{ end }}

{{ define "sleep" }} ;; without end, on nothing
(func $bad
  (i32.store8 (i32.const 136) (i32.const 0))
  (i64.store (i32.const 144) (i64.const 1))
  (i64.store (i32.const 152) (i64.const 0x7fffffffffffffff))
  (loop $l
    (drop (call $poll_oneoff (i32.const 128) (i32.const 256) (i32.const 1) (i32.const 320)))
    (br $l)))
{{ end }}

{{ define "naps" }} ;; computes, and sleeps a nanosecond now and then
(func $bad (local $i i32)
  (i32.store8 (i32.const 136) (i32.const 0))
  (i64.store (i32.const 144) (i64.const 1))
  (i64.store (i32.const 152) (i64.const 1))
  (loop $l
    (local.set $i (i32.const 1000000))
    (loop $m (local.set $i (i32.sub (local.get $i) (i32.const 1))) (br_if $m (local.get $i)))
    (drop (call $poll_oneoff (i32.const 128) (i32.const 256) (i32.const 1) (i32.const 320)))
    (br $l)))
{{ end }}

{{ define "trap" }}
(func $bad unreachable)
{{ end }}

{{ define "exit" }}
(func $bad (call $exit (i32.const 0)))
{{ end }}

{{ define "env" }}(func $bad (call $abort)){{ end }}
{{ define "env-imports" }}(import "env" "abort" (func $abort)){{ end }}

{{ define "otherabi" }}(func $bad (call $other)){{ end }}
{{ define "otherabi-imports" }}(import "berth" "berth_abi_9" (func $other)){{ end }}

{{ define "signature" }}(func $bad (call $other (i64.const 1))){{ end }}
{{ define "signature-imports" }}(import "berth" "poll" (func $other (param i64))){{ end }}

{{ define "amplify" }} ;; a thousand records for one, each of which refers to the same bytes of the input
(func $bad (local $head i32) (local $records i32) (local $i i32) (local $at i32)
  (drop (memory.grow (i32.const 64)))
  (local.set $head (i32.and (i32.add (i32.load (i32.const 65556)) (i32.const 7)) (i32.const -8)))
  (local.set $records (i32.add (i32.const 65552) (i32.load (i32.const 65592))))
  (memory.copy (i32.const 2097152) (i32.const 65552) (i32.load (i32.const 65556)))
  (loop $l
    (local.set $at (i32.add (i32.add (i32.const 2097152) (local.get $head)) (i32.mul (local.get $i) (i32.const 88))))
    (memory.copy (local.get $at) (local.get $records) (i32.const 88))
    (i32.store offset=32 (local.get $at) (i32.or (i32.const 0x80000000) (i32.load offset=32 (local.get $at))))
    (i32.store offset=48 (local.get $at) (i32.or (i32.const 0x80000000) (i32.load offset=48 (local.get $at))))
    (i32.store offset=64 (local.get $at) (i32.or (i32.const 0x80000000) (i32.load offset=64 (local.get $at))))
    (local.set $i (i32.add (local.get $i) (i32.const 1)))
    (br_if $l (i32.lt_u (local.get $i) (i32.const 1000))))
  (i32.store (i32.const 2097156) (i32.add (local.get $head) (i32.const 88000)))
  (i32.store (i32.const 2097160) (i32.const 0))
  (i32.store (i32.const 2097204) (i32.load (i32.const 65564)))
  (i32.store (i32.const 2097164) (i32.const 1000))
  (i32.store (i32.const 2097192) (local.get $head))
  (call $send (i32.const 3) (global.get $seq) (i32.const 2097152) (i32.add (local.get $head) (i32.const 88000)))
  (loop $wait (drop (call $next)) (br $wait)))
{{ end }}

{{ define "farrecord" }} ;; ends on a record that no batch has
(func $bad (i32.store (i32.const 68) (i32.const 0x7ffffff0)) unreachable)
{{ end }}
