// Command apk is the shell of a small image, and knows just the commands that
// the Dockerfiles of tests need: apk add and apk del, which edit the database of
// installed packages, and a few on files. It takes seconds to write what the
// real ones do, and needs no network.
package main

import (
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
)

const (
	installed = "/lib/apk/db/installed"
	virtual   = "/lib/apk/db/virtual"
)

func main() {
	script := strings.Join(os.Args[1:], " ")
	if len(os.Args) == 3 && os.Args[1] == "-c" {
		script = os.Args[2]
	}
	if strings.HasPrefix(script, "/dev/pipes/") { // where BuildKit puts a script with #!
		script = read(script)
	}
	script = os.ExpandEnv(script)
	for command := range strings.SplitSeq(regexp.MustCompile(`&&|;|\n`).ReplaceAllString(strings.ReplaceAll(script, "\\\n", " "), "\n"), "\n") {
		words := strings.Fields(command)
		if len(words) == 0 || strings.HasPrefix(words[0], "#") {
			continue
		}
		if err := run(words); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}

func run(words []string) error {
	switch strings.Join(words[:min(2, len(words))], " ") {
	case "apk add":
		return add(words[2:])
	case "apk del":
		return remove(words[2:])
	}
	switch words[0] {
	case "echo", "true":
		fmt.Println(strings.Join(words[1:], " "))
		return nil
	case "cp":
		return os.WriteFile(words[2], []byte(read(words[1])), 0o600)
	case "rm":
		return os.RemoveAll(words[len(words)-1])
	}
	return fmt.Errorf("there is no command %q here", words[0])
}

func read(name string) string {
	dt, err := os.ReadFile(name)
	if err != nil && !os.IsNotExist(err) {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	return string(dt)
}

// packages are the entries of the database, by name.
func packages() map[string]string {
	out := map[string]string{}
	for entry := range strings.SplitSeq(read(installed), "\n\n") {
		if name, _, ok := strings.Cut(strings.TrimPrefix(strings.TrimSpace(entry), "P:"), "\n"); ok {
			out[name] = strings.TrimSpace(entry)
		}
	}
	return out
}

func write(all map[string]string) error {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(all)) {
		b.WriteString(all[name] + "\n\n")
	}
	return os.WriteFile(installed, []byte(b.String()), 0o600)
}

func add(words []string) error {
	all := packages()
	group := ""
	for i := 0; i < len(words); i++ {
		switch name, version, _ := strings.Cut(words[i], "="); {
		case words[i] == "--virtual":
			i++
			group = words[i]
		case strings.HasPrefix(words[i], "-"):
		default:
			all[name] = fmt.Sprintf("P:%s\nV:%s\nA:x86_64\no:%s", name, version, name)
			if group != "" {
				group += " " + name
			}
		}
	}
	if group != "" {
		if err := os.WriteFile(virtual, []byte(read(virtual)+group+"\n"), 0o600); err != nil {
			return err
		}
	}
	return write(all)
}

func remove(words []string) error {
	all := packages()
	for _, name := range words {
		delete(all, name)
		for line := range strings.SplitSeq(read(virtual), "\n") {
			if members := strings.Fields(line); len(members) > 0 && members[0] == name {
				for _, m := range members {
					delete(all, m)
				}
			}
		}
	}
	return write(all)
}
