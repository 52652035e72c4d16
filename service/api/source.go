package api

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"github.com/example/microscanner-frontend/service/register"
)

// source is where a request came from, as registrations count it. Behind a
// trusted proxy it is the last address of X-Forwarded-For that no trusted proxy
// has.
func (a *API) source(r *http.Request) string {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return ""
	}
	addr := peer.Addr().Unmap()
	forwarded := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for _, text := range slices.Backward(forwarded) {
		if !a.trusted(addr) {
			break
		}
		next, err := netip.ParseAddr(strings.TrimSpace(text))
		if err != nil {
			break
		}
		addr = next.Unmap().WithZone("")
	}
	return register.Source(addr.String())
}

func (a *API) trusted(addr netip.Addr) bool {
	return slices.ContainsFunc(a.TrustedProxies, func(p netip.Prefix) bool { return p.Contains(addr) })
}
