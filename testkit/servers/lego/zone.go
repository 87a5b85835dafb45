package main

import (
	"net"
	"strings"
	"time"

	"github.com/go-acme/lego/v5/challenge/dns01"
	"github.com/miekg/dns"
)

// Makes lego find `zone` in the DNS: a server in this process that has an SOA record for it, and nothing else.
func show(zone string) error {
	apex := dns.Fqdn(zone)
	socket, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	handler := dns.HandlerFunc(func(out dns.ResponseWriter, asked *dns.Msg) {
		reply := new(dns.Msg)
		reply.SetReply(asked)
		name := strings.ToLower(asked.Question[0].Name)
		soa := &dns.SOA{
			Hdr: dns.RR_Header{Name: apex, Rrtype: dns.TypeSOA, Class: dns.ClassINET, Ttl: 60},
			Ns:  "ns." + apex, Mbox: "hostmaster." + apex, Serial: 1, Refresh: 60, Retry: 60, Expire: 60, Minttl: 60,
		}
		switch {
		case name == apex && asked.Question[0].Qtype == dns.TypeSOA:
			reply.Answer = append(reply.Answer, soa)
		case dns.IsSubDomain(apex, name):
			reply.Ns = append(reply.Ns, soa)
		default:
			reply.Rcode = dns.RcodeNameError
		}
		_ = out.WriteMsg(reply)
	})
	server := &dns.Server{PacketConn: socket, Handler: handler}
	go func() { _ = server.ActivateAndServe() }()
	options := dns01.Options{RecursiveNameservers: []string{socket.LocalAddr().String()}, Timeout: 5 * time.Second}
	dns01.SetDefaultClient(dns01.NewClient(&options))
	return nil
}
