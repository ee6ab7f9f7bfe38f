package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"runtime/pprof"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const batchRows = 65536

// job is what a worker was asked to time.
type job struct {
	kind, path, where string
	threads           int
	columns           []string
}

// engines are the Go contestants: each prepares a run of its job.
var engines = map[string]func(job) (version string, run func() (int64, error), err error){
	"bdkit":      bdkitEngine,
	"pqarrow":    pqarrowEngine,
	"parquet-go": parquetGoEngine,
	"arrow-go":   arrowGoEngine,
}

// runWorker is the worker's side of the protocol: see worker.round and peers.py.
func runWorker(args []string) error {
	if len(args) != 6 {
		return errors.New("worker: ENGINE KIND FILE THREADS COLUMNS WHERE")
	}
	threads, err := strconv.Atoi(args[3])
	if err != nil {
		return err
	}
	j := job{kind: args[1], path: args[2], threads: threads, where: args[5]}
	if args[4] != "" {
		j.columns = strings.Split(args[4], ",")
	}
	prepare := engines[args[0]]
	if prepare == nil {
		return fmt.Errorf("worker: no engine %q", args[0])
	}
	version, run, err := prepare(j)
	if err != nil {
		return err
	}
	out := json.NewEncoder(os.Stdout)
	if err := out.Encode(reply{Ready: version}); err != nil {
		return err
	}
	rounds := 0
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		if rounds++; rounds == 2 { // the first is the warm-up
			stop, err := profile()
			if err != nil {
				return err
			}
			defer stop()
		}
		user, sys, err := cpuTime()
		if err != nil {
			return err
		}
		start := time.Now()
		rows, err := run()
		if err != nil {
			return err
		}
		r := reply{Seconds: time.Since(start).Seconds(), Rows: rows}
		u, s, err := cpuTime()
		if err != nil {
			return err
		}
		r.User, r.System = (u - user).Seconds(), (s - sys).Seconds()
		if err := out.Encode(r); err != nil {
			return err
		}
	}
	return nil
}

// profile starts a CPU profile in the file that BDKIT_CPUPROFILE names.
func profile() (stop func(), err error) {
	name := os.Getenv("BDKIT_CPUPROFILE")
	if name == "" {
		return func() {}, nil
	}
	f, err := os.Create(name)
	if err != nil {
		return nil, err
	}
	return pprof.StopCPUProfile, pprof.StartCPUProfile(f)
}

// cpuTime is the user and system time of this process.
func cpuTime() (user, sys time.Duration, err error) {
	var u syscall.Rusage
	err = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano()), time.Duration(u.Stime.Nano()), err
}

// moduleVersion is the version of a dependency as it was built in.
func moduleVersion(path string) string {
	info, _ := debug.ReadBuildInfo()
	for _, m := range info.Deps {
		if m.Path == path {
			return m.Version
		}
	}
	return ""
}

var errTask = errors.New("this engine has no such task")
