// Package webhook tells webhooks that a watched image became newly affected:
// signed messages, sent until they are taken or given up.
package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"time"
)

// HeaderSignature says when a message was sent, in Unix seconds, and signs it:
// "t=1767323045,v1=HEX". What is signed is the time, a full stop, and the body,
// with HMAC-SHA256 and the webhook's secret. A receiver refuses a message whose
// time is long past, so that nobody can send it again.
const HeaderSignature = "X-Microscanner-Signature"

// HeaderID identifies a message. It is the same in each attempt: a receiver may
// get a message twice, and tells by it.
const HeaderID = "X-Microscanner-Delivery"

// Signature is the value of HeaderSignature.
func Signature(secret []byte, at time.Time, body []byte) string {
	sent := strconv.FormatInt(at.Unix(), 10)
	mac := hmac.New(sha256.New, secret)
	_, _ = fmt.Fprintf(mac, "%s.", sent) // never fails
	_, _ = mac.Write(body)
	return "t=" + sent + ",v1=" + hex.EncodeToString(mac.Sum(nil))
}
