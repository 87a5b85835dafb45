// Says what robfig/cron makes of expressions, good and bad: `cron.tsv` beside it is what this program printed. In a folder of its own:
//
//	go mod init cron && go get github.com/robfig/cron/v3@v3.0.1 && go run . > cron.tsv
//
// The columns are the expression, the time zone, the time from which the next opening is looked for (- where reading alone counts), and the answer. Zones
// are such that releases of the time zone database agree about them.
package main

import (
	"bufio"
	"fmt"
	"github.com/robfig/cron/v3"
	"math/rand"
	"os"
	"strings"
	"time"
	_ "time/tzdata"
)

func main() {
	r := rand.New(rand.NewSource(5))
	w := bufio.NewWriter(os.Stdout)
	defer w.Flush()
	p := cron.NewParser(cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow)
	bad := []string{"@daily", "* * * *", "* * * * * *", "60 * * * *", "* 24 * * *", "* * 0 * *", "* * 32 * *", "* * * 13 * ", "* * * 0 *", "* * * * 7", "* * * * -1", "1-2-3 * * * *", "1/2/3 * * * *", "*/0 * * * *", "5-2 * * * *", "x * * * *", "1- * * * *", "-1 * * * *", "1/-2 * * * *", "* * * foo *", "* * * * SUN-x", "99999999999999999999 * * * *", "  ", "TZ=UTC 0 0 * * *", "1,,x * * * *", "*-x/y * * * *", "1.5 * * * *", "a/b/c * * * *", "mon * * * *", "* * * mon *", "0x1 * * * *", "\"q * * * *"}
	good := []string{"* * * * *", "0 2 * * *", "30 2 * * *", "*/15 * * * *", "0 0 1 * *", "0 0 29 2 *", "0 0 31 * *", "0 0 13 * 5", "0 0 */2 * 1", "0 0 * * sun", "0 22 * * MON-FRI", "5/20 * * * *", "0 0 1,15 jan-mar *", "? ? ? ? ?", "+5 1 * * *", "*,5 3 * * 1", "0 0 1-7 * *", "59 23 31 12 *", "0 0 30 2 *", "10-50/10 8-18/2 * * 1-5", ",, * * * *", "0 1 * 3,10,11 0", "30 1 * * *", "0 0 * * 6,0", "*-9 4 * * *", "0 3 ? * 2"}
	zones := []string{"UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Pacific/Auckland", "America/Sao_Paulo", "Australia/Sydney", "Europe/Lisbon", "US/Pacific", "Asia/Kathmandu"}
	for _, b := range bad {
		_, e := p.Parse("CRON_TZ=UTC " + b)
		fmt.Fprintf(w, "%s\tUTC\t-\t%s\n", b, e)
	}
	base := []string{"2026-03-08T00:00:00Z", "2026-03-28T23:59:59Z", "2026-10-25T00:30:00Z", "2026-11-01T05:00:00Z", "2027-02-27T12:34:56Z", "2026-04-04T15:59:00Z", "2026-12-31T23:00:00Z", "2018-11-03T20:00:00Z"}
	for _, c := range good {
		for _, z := range zones {
			s, e := p.Parse("CRON_TZ=" + z + " " + c)
			if e != nil {
				panic(c + e.Error())
			}
			n := 4
			for i := 0; i < n; i++ {
				var t time.Time
				if i < 2 {
					t, _ = time.Parse(time.RFC3339, base[r.Intn(len(base))])
				} else {
					t = time.Unix(1735689600+int64(r.Intn(5*365*86400)), 0).UTC()
				}
				x := s.Next(t.Add(-time.Second))
				o := "never"
				if !x.IsZero() {
					o = x.UTC().Format(time.RFC3339)
				}
				fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", strings.TrimSpace(c), z, t.Format(time.RFC3339), o)
			}
		}
	}
}
