package server

import (
	"container/list"
	"crypto/tls"
	"net"
	"net/http"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
)

// connections keeps the number of open connections below a limit: beyond it, the
// one that is idle for longest is closed. So who opens many and says nothing
// keeps nobody else out.
type connections struct {
	most int
	open prometheus.Gauge // of all listeners together
	shed prometheus.Counter

	lock sync.Mutex
	all  map[net.Conn]*list.Element // in idle; nil for one with a request
	idle list.List                  // of net.Conn, that idle for longest first
}

// changed is an http.Server's ConnState.
func (c *connections) changed(conn net.Conn, state http.ConnState) {
	c.lock.Lock()
	defer c.lock.Unlock()
	if c.all == nil {
		c.all = map[net.Conn]*list.Element{}
	}
	before := len(c.all)
	if at := c.all[conn]; at != nil {
		c.idle.Remove(at)
	}
	switch state {
	case http.StateNew, http.StateIdle:
		c.all[conn] = c.idle.PushBack(conn)
	case http.StateActive:
		c.all[conn] = nil
	case http.StateClosed, http.StateHijacked:
		delete(c.all, conn)
	}
	if state == http.StateNew && len(c.all) > c.most {
		c.closeOldest()
	}
	c.open.Add(float64(len(c.all) - before))
}

// closeOldest closes the connection that is idle for longest, without a farewell
// that it might not read. The server tells that it is closed.
func (c *connections) closeOldest() {
	oldest := c.idle.Front()
	conn, ok := c.idle.Remove(oldest).(net.Conn)
	if !ok {
		return
	}
	c.all[conn] = nil
	if t, ok := conn.(*tls.Conn); ok {
		conn = t.NetConn()
	}
	_ = conn.Close() // it is given up
	c.shed.Inc()
}
