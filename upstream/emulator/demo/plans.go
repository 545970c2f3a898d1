package demo

import "time"

// EmptyGroup is a group of the demo without any activity.
const EmptyGroup = "ff53a46f-5ead-403a-84c4-b877678537a3"

// plan is what one group of the demo is like. An action starts every quiet to calm, and takes brisk to slow.
type plan struct {
	group        string
	config       string // name of the scaling configuration, and so the beginning of its instances' names
	flavor       string
	policies     []policy
	least, most  int // instances
	quiet, calm  time.Duration
	brisk, slow  time.Duration
	keep         time.Duration // retention
	trouble      float64       // the part of the actions that fails, wholly or partly
	classic      bool          // has classic load balancers as well
	stubborn     float64       // the part of the actions that takes hours
	simultaneous float64       // the part of the actions that starts together with the one before
}

// policy is a reason to scale.
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
		{group: "f6fadfa7-e5c1-4b62-9362-da5cc13da58a", config: "as-config-spot", flavor: "c6.large.2", policies: all[:2], least: 2, most: 60,
			quiet: 3 * s, calm: 7 * s, brisk: 4 * s, slow: 25 * s, keep: 6 * h, trouble: .08, simultaneous: .1},
		{group: "2c63888f-28f0-4481-be6d-dce7a7ace732", config: "as-config-ci", flavor: "c6.2xlarge.2", policies: all[:2], least: 1, most: 40,
			quiet: 30 * s, calm: 90 * s, brisk: 20 * s, slow: 100 * s, keep: 3 * day, trouble: .05, simultaneous: .05},
		{group: "8a119b9e-16bc-4732-8f7b-7676d015b0dc", config: "as-config-shop", flavor: "s6.xlarge.2", policies: all, least: 4, most: 50,
			quiet: 2 * m, calm: 6 * m, brisk: 21 * s, slow: 278 * s, keep: 2 * week, trouble: .06, stubborn: .002},
		{group: "bc67ba94-637d-4efa-a09e-467ada679f81", config: "as-config-api", flavor: "s6.large.2", policies: all[:4], least: 3, most: 30,
			quiet: 3 * m, calm: 9 * m, brisk: 21 * s, slow: 200 * s, keep: 20 * day, trouble: .03},
		{group: "fab36728-a78b-4b7e-8787-c0de2f960063", config: "as-config-media", flavor: "p2s.2xlarge.8", policies: all[2:], least: 0, most: 24,
			quiet: 4 * m, calm: 12 * m, brisk: 60 * s, slow: 400 * s, keep: 24 * day, trouble: .3, stubborn: .004},
		{group: "a712755f-6cac-44d5-99d5-269512e74f7b", config: "as-config-search", flavor: "m6.2xlarge.8", policies: all[:3], least: 3, most: 18,
			quiet: 5 * m, calm: 15 * m, brisk: 90 * s, slow: 300 * s, keep: 30 * day, trouble: .04},
		{group: "ac8efe12-1c59-49f1-ba2d-de83458bfed0", config: "as-config-t66a", flavor: "s3.large.2", policies: all[3:], least: 1, most: 12,
			quiet: 6 * m, calm: 18 * m, brisk: 30 * s, slow: 200 * s, keep: 35 * day, trouble: .06, classic: true},
		{group: "5796a670-482c-490e-8d97-82bfcdc83011", config: "as-config-mail", flavor: "s6.large.4", policies: all[:1], least: 2, most: 10,
			quiet: 8 * m, calm: 20 * m, brisk: 25 * s, slow: 150 * s, keep: 40 * day, trouble: .05, simultaneous: .1},
		{group: "0b80a255-53a1-4945-a932-58ef7777682c", config: "as-config-batch", flavor: "c6.4xlarge.2", policies: all[2:4], least: 0, most: 100,
			quiet: 10 * m, calm: 30 * m, brisk: 60 * s, slow: 600 * s, keep: 60 * day, trouble: .1, stubborn: .01},
		{group: "45ac16b9-c20d-4c21-8f8a-7abff2e91ac7", config: "as-config-blog", flavor: "s6.small.1", policies: all[3:], least: 1, most: 6,
			quiet: 15 * m, calm: 35 * m, brisk: 21 * s, slow: 120 * s, keep: 60 * day, trouble: .02},
		{group: "dd2ee150-d284-4277-b89c-1af40ce8fcc9", config: "as-config-intranet", flavor: "s3.medium.2", policies: all[3:], least: 2, most: 8,
			quiet: 20 * m, calm: 40 * m, brisk: 30 * s, slow: 180 * s, keep: 70 * day, trouble: .08, classic: true},
		{group: "3c3ae353-fb14-428e-90b4-01a6c1cc0aff", config: "as-config-archive", flavor: "d6.xlarge.4", policies: all[2:], least: 1, most: 5,
			quiet: 30 * m, calm: 90 * m, brisk: 60 * s, slow: 240 * s, keep: 90 * day, trouble: .05},
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
