;; A guest that speaks ABI version 1 and behaves, but for the step .Step, where it calls $bad, which the template named
;; .How defines. Steps: section (a start section), _start, describe, described, validate, connector, configs, start,
;; poll (a source after READY), batch, flush, stop. Templates named .How-imports and .How-pages, if there are any, add
;; imports and say how large the memory is.
;;
;; Memory: 64 position, 128 and 192 subscriptions, 256 their event, 512 words, 1024 manifest, 8192 task configurations,
;; 9216 key validations, 65536 the event at hand; 4 MiB in all.
(module
  (import "berth" "berth_abi_1" (func $abi))
  (import "berth" "poll" (func $poll (param i32 i32) (result i32)))
  (import "berth" "put" (func $put (param i32 i32 i32 i32 i32 i32) (result i32)))
  (import "berth" "commit" (func $commit (param i32 i32 i32) (result i32)))
  (import "berth" "log" (func $log (param i32 i32 i32)))
  (import "berth" "metric" (func $metric (param i32 i32 i32 f64)))
  (import "berth" "position" (func $position (param i32)))
  (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll_oneoff (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_read" (func $fd_read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "random_get" (func $random_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "clock_time_get" (func $clock_time_get (param i32 i64 i32) (result i32)))
  (import "wasi_snapshot_preview1" "sched_yield" (func $sched_yield (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  {{ if has (print .How "-imports") }}{{ expand (print .How "-imports") }}{{ end }}
  (memory (export "memory") {{ if has (print .How "-pages") }}{{ expand (print .How "-pages") }}{{ else }}64{{ end }})
  (global $seq (mut i32) (i32.const 0))
  (global $length (mut i32) (i32.const 0))

  (data (i32.const 128) "\00\00\00\00\00\00\00\00\01\00\00\00\00\00\00\00\00\00\10\00") ;; the task fd is readable
  (data (i32.const 192) "\00\00\00\00\00\00\00\00\02\00\00\00\00\00\00\00\00\00\10\00") ;; the task fd is writable
  (data (i32.const 512) "misbehaves now")
  (data (i32.const 1024) {{ quote .Manifest }})
  (data (i32.const 8192) {{ quote .TaskConfigs }})
  (data (i32.const 9216) {{ quote .KeyValidations }})

  {{ expand .How }}

  (func $misbehave
    (call $log (i32.const 2) (i32.const 512) (i32.const 14))
    (call $bad))

  {{ if eq .Step "section" }}(start $misbehave){{ end }}

  ;; $next waits for an event and returns its kind.
  (func $next (result i32)
    (loop $again
      (global.set $length (call $poll (i32.const 65536) (i32.const 1048576)))
      (if (i32.eqz (global.get $length))
        (then
          (drop (call $poll_oneoff (i32.const 128) (i32.const 256) (i32.const 1) (i32.const 320)))
          (br $again))))
    (global.set $seq (i32.load (i32.const 65540)))
    (i32.load (i32.const 65536)))

  ;; $send puts a message as soon as there is room for it.
  (func $send (param $kind i32) (param $seq i32) (param $ptr i32) (param $len i32)
    (loop $again
      (if (i32.eq (i32.const -1) (call $put (local.get $kind) (local.get $seq) (local.get $ptr) (local.get $len)
            (i32.const 0) (i32.const 0)))
        (then
          (drop (call $poll_oneoff (i32.const 192) (i32.const 256) (i32.const 1) (i32.const 320)))
          (br $again)))))

  (func $phase (param $phase i32) (i32.store (i32.const 72) (local.get $phase)))

  ;; $plan: the role stands at a fixed place of the event.
  (func $plan
    (if (i64.eq (i64.load (i32.const 65559)) (i64.const 0x6562697263736564)) ;; describe
      (then
        (call $phase (i32.const 7))
        {{ if eq .Step "describe" }}(call $misbehave){{ end }}
        (call $send (i32.const 4) (i32.const 0) (i32.const 1024) (i32.const {{ size .Manifest }}))
        {{ if eq .Step "described" }}(call $misbehave){{ end }}
        (call $exit (i32.const 0))))
    (call $phase (i32.const 1))
    {{- if eq .Step "connector" }}
    (if (i64.eq (i64.load (i32.const 65559)) (i64.const 0x6f7463656e6e6f63)) (then (call $misbehave)))
    {{- else if eq .Step "start" "poll" }}
    (if (i32.eq (i32.load (i32.const 65559)) (i32.const 0x6b736174)) ;; task
      (then
        {{ if eq .Step "poll" }}
        (call $send (i32.const 1) (global.get $seq) (i32.const 0) (i32.const 0))
        (call $phase (i32.const 2))
        {{ end }}
        (call $misbehave)))
    {{- end }}
    (call $send (i32.const 1) (global.get $seq) (i32.const 0) (i32.const 0)))

  ;; $batch answers with the batch itself; a sink with no records.
  (func $batch
    (call $phase (i32.const 4))
    {{ if eq .Step "batch" }}(call $misbehave){{ end }}
    (i32.store (i32.const 65604) (i32.load (i32.const 65564)))
    {{ if eq .Kind "sink" }}(i32.store (i32.const 65564) (i32.const 0)){{ end }}
    (call $send (i32.const 3) (global.get $seq) (i32.const 65552) (i32.sub (global.get $length) (i32.const 16))))

  (func $handle (param $kind i32)
    (if (i32.eq (local.get $kind) (i32.const 1)) (then (call $plan)))
    (if (i32.eq (local.get $kind) (i32.const 2)) (then (call $batch)))
    (if (i32.eq (local.get $kind) (i32.const 3))
      (then
        (call $phase (i32.const 6))
        {{ if eq .Step "stop" }}(call $misbehave){{ end }}
        (call $exit (i32.const 0))))
    (if (i32.eq (local.get $kind) (i32.const 10))
      (then
        (call $phase (i32.const 5))
        {{ if eq .Step "flush" }}(call $misbehave){{ end }}
        (drop (call $commit (global.get $seq) (i32.const 65552) (i32.sub (global.get $length) (i32.const 16))))))
    (if (i32.eq (local.get $kind) (i32.const 11))
      (then
        (call $phase (i32.const 9))
        {{ if eq .Step "configs" }}(call $misbehave){{ end }}
        (call $send (i32.const 5) (global.get $seq) (i32.const 8192) (i32.const {{ size .TaskConfigs }}))))
    (if (i32.eq (local.get $kind) (i32.const 12))
      (then
        (call $phase (i32.const 8))
        {{ if eq .Step "validate" }}(call $misbehave){{ end }}
        (call $send (i32.const 6) (global.get $seq) (i32.const 9216) (i32.const {{ size .KeyValidations }})))))

  (func (export "_start")
    (call $abi)
    (call $position (i32.const 64))
    {{ if eq .Step "_start" }}(call $misbehave){{ end }}
    (loop $events
      (call $handle (call $next))
      (br $events))))
