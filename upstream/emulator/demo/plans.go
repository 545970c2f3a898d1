package demo

import "time"

// EmptyGroup is a group of the demo without any activity.
const EmptyGroup = "ff53a46f-5ead-403a-84c4-b877678537a3"

// plan has the parameters of one group of the demo. The next action starts after minInterval to maxInterval, and takes minDuration to maxDuration.
type plan struct {
	group                    string
	config                   string // name of the scaling configuration, and so the beginning of its instances' names
	flavor                   string
	policies                 []policy
	minSize, maxSize         int // instances
	minInterval, maxInterval time.Duration
	minDuration, maxDuration time.Duration
	retention                time.Duration
	failureRate              float64 // ratio of actions that fail, wholly or partly
	classic                  bool    // has classic load balancers as well
	longRate                 float64 // ratio of actions that take hours
	sameSecondRate           float64 // ratio of actions that start together with the previous one
}

// policy is a scaling policy.
type policy struct{ id, name, kind string }

const (
	day  = 24 * time.Hour
	week = 7 * day
)

// plans returns the groups of the demo, the busiest first.
func plans() []plan {
	alarm := policy{"1b0e1f0a-6f5d-4c8e-9d0c-3a7a5d2a9c11", "cpu-above-70", "ALARM"}
	idle := policy{"5f2b3c9e-0a41-4f0e-8f6e-2f9b1f2d7c52", "cpu-below-20", "ALARM"}
	once := policy{"c4b8f1d2-7e36-4d9a-b1a7-90e8a46d1b03", "before-campaign", "SCHEDULED"}
	morning := policy{"9a7d6e5c-4b3a-4291-8c7d-6e5f4a3b2c14", "weekdays-0700", "RECURRENCE"}
	night := policy{"2e4f6a8c-1b3d-4f5e-9a7c-8d6b4f2e0a95", "weekdays-2000", "RECURRENCE"}
	all := []policy{alarm, idle, once, morning, night}
	s, m, h := time.Second, time.Minute, time.Hour
	list := []plan{
		{group: "f6fadfa7-e5c1-4b62-9362-da5cc13da58a", config: "as-config-spot", flavor: "c6.large.2", policies: all[:2], minSize: 2, maxSize: 60,
			minInterval: 3 * s, maxInterval: 7 * s, minDuration: 4 * s, maxDuration: 25 * s, retention: 6 * h, failureRate: .08, sameSecondRate: .1},
		{group: "2c63888f-28f0-4481-be6d-dce7a7ace732", config: "as-config-ci", flavor: "c6.2xlarge.2", policies: all[:2], minSize: 1, maxSize: 40,
			minInterval: 30 * s, maxInterval: 90 * s, minDuration: 20 * s, maxDuration: 100 * s, retention: 3 * day, failureRate: .05, sameSecondRate: .05},
		{group: "8a119b9e-16bc-4732-8f7b-7676d015b0dc", config: "as-config-shop", flavor: "s6.xlarge.2", policies: all, minSize: 4, maxSize: 50,
			minInterval: 2 * m, maxInterval: 6 * m, minDuration: 21 * s, maxDuration: 278 * s, retention: 2 * week, failureRate: .06, longRate: .002},
		{group: "bc67ba94-637d-4efa-a09e-467ada679f81", config: "as-config-api", flavor: "s6.large.2", policies: all[:4], minSize: 3, maxSize: 30,
			minInterval: 3 * m, maxInterval: 9 * m, minDuration: 21 * s, maxDuration: 200 * s, retention: 20 * day, failureRate: .03},
		{group: "fab36728-a78b-4b7e-8787-c0de2f960063", config: "as-config-media", flavor: "p2s.2xlarge.8", policies: all[2:], minSize: 0, maxSize: 24,
			minInterval: 4 * m, maxInterval: 12 * m, minDuration: 60 * s, maxDuration: 400 * s, retention: 24 * day, failureRate: .3, longRate: .004},
		{group: "a712755f-6cac-44d5-99d5-269512e74f7b", config: "as-config-search", flavor: "m6.2xlarge.8", policies: all[:3], minSize: 3, maxSize: 18,
			minInterval: 5 * m, maxInterval: 15 * m, minDuration: 90 * s, maxDuration: 300 * s, retention: 30 * day, failureRate: .04},
		{group: "ac8efe12-1c59-49f1-ba2d-de83458bfed0", config: "as-config-t66a", flavor: "s3.large.2", policies: all[3:], minSize: 1, maxSize: 12,
			minInterval: 6 * m, maxInterval: 18 * m, minDuration: 30 * s, maxDuration: 200 * s, retention: 35 * day, failureRate: .06, classic: true},
		{group: "5796a670-482c-490e-8d97-82bfcdc83011", config: "as-config-mail", flavor: "s6.large.4", policies: all[:1], minSize: 2, maxSize: 10,
			minInterval: 8 * m, maxInterval: 20 * m, minDuration: 25 * s, maxDuration: 150 * s, retention: 40 * day, failureRate: .05, sameSecondRate: .1},
		{group: "0b80a255-53a1-4945-a932-58ef7777682c", config: "as-config-batch", flavor: "c6.4xlarge.2", policies: all[2:4], minSize: 0, maxSize: 100,
			minInterval: 10 * m, maxInterval: 30 * m, minDuration: 60 * s, maxDuration: 600 * s, retention: 60 * day, failureRate: .1, longRate: .01},
		{group: "45ac16b9-c20d-4c21-8f8a-7abff2e91ac7", config: "as-config-blog", flavor: "s6.small.1", policies: all[3:], minSize: 1, maxSize: 6,
			minInterval: 15 * m, maxInterval: 35 * m, minDuration: 21 * s, maxDuration: 120 * s, retention: 60 * day, failureRate: .02},
		{group: "dd2ee150-d284-4277-b89c-1af40ce8fcc9", config: "as-config-intranet", flavor: "s3.medium.2", policies: all[3:], minSize: 2, maxSize: 8,
			minInterval: 20 * m, maxInterval: 40 * m, minDuration: 30 * s, maxDuration: 180 * s, retention: 70 * day, failureRate: .08, classic: true},
		{group: "3c3ae353-fb14-428e-90b4-01a6c1cc0aff", config: "as-config-archive", flavor: "d6.xlarge.4", policies: all[2:], minSize: 1, maxSize: 5,
			minInterval: 30 * m, maxInterval: 90 * m, minDuration: 60 * s, maxDuration: 240 * s, retention: 90 * day, failureRate: .05},
	}
	for i, p := range list {
		own := make([]policy, len(p.policies))
		for j, shared := range p.policies {
			own[j] = ownPolicy(p.group, shared)
		}
		list[i].policies = own
	}
	return list
}
