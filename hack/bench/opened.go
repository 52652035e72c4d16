package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"golang.org/x/sys/unix"
)

// opened lists the files of a directory that are opened while run runs, as the
// kernel tells them (inotify), sorted and each once.
func opened(dir string, run func() error) (names []string, err error) {
	fd, err := unix.InotifyInit1(unix.IN_NONBLOCK | unix.IN_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("watch %s: %w", dir, err)
	}
	defer func() { err = errors.Join(err, unix.Close(fd)) }()
	if _, err := unix.InotifyAddWatch(fd, dir, unix.IN_OPEN); err != nil {
		return nil, fmt.Errorf("watch %s: %w", dir, err)
	}
	if err := run(); err != nil {
		return nil, err
	}
	buf := make([]byte, 64<<10)
	for {
		n, err := unix.Read(fd, buf)
		if errors.Is(err, unix.EAGAIN) {
			slices.Sort(names)
			return slices.Compact(names), nil
		}
		if err != nil {
			return nil, fmt.Errorf("watch %s: %w", dir, err)
		}
		for events := buf[:n]; len(events) > 0; {
			end := unix.SizeofInotifyEvent + int(binary.NativeEndian.Uint32(events[12:]))
			if name := bytes.TrimRight(events[unix.SizeofInotifyEvent:end], "\x00"); len(name) > 0 {
				names = append(names, string(name))
			}
			events = events[end:]
		}
	}
}
