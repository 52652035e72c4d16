package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestSourceNames(t *testing.T) {
	status := "Package: libssl3\nStatus: install ok installed\nSource: openssl\nVersion: 3\n\n" +
		"Package: bsdutils\nSource: util-linux (2.38.1-5)\nVersion: 1:2.38.1-5\n\n" +
		"Package: apt\nVersion: 2\nDescription: x\n Source: no\n\nPackage: openssl\nVersion: 3\n"
	assert.Equal(t, []string{"apt", "openssl", "util-linux"}, sourceNames(status))
}

func TestMedian(t *testing.T) {
	assert.Equal(t, time.Duration(2), median([]time.Duration{9, 1, 2}))
	assert.Equal(t, time.Duration(3), median([]time.Duration{4, 3, 1, 2}))
}
