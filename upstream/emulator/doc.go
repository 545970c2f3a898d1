// Package emulator is an upstream to test against: a real HTTP server that responds as these calls of Huawei Cloud AutoScaling do, as strict
// and as odd as its documents (all GET, below /autoscaling-api):
//
//	/v2/{project}/scaling_activity_log/{group}          activity log
//	/v1/{project}/scaling_group                         groups
//	/v1/{project}/scaling_group/{group}                 one group
//	/v1/{project}/scaling_group_instance/{group}/list   instances
//	/v1, /v2/{project}/scaling_policy/{group}/list      policies of a group
//	/v2/{project}/scaling_policy                        policies of a project
//	/v1, /v2/{project}/scaling_policy/{policy}          one policy
//	/v1/{project}/scaling_policy_execute_log/{policy}   executions
//
// Sizes, is_scaling, activity_type and detail of a group follow from its instances and its activity log. The sections below are about the
// activity log; the switches of the other calls have their defaults in Switches. Without a switch: enterprise_project_id=all_granted_eps
// filters nothing, an unknown execute_type matches nothing, and groups and policies refuse paging with AS.1001 and AS.1002.
//
// It shares no code with the client of this project, so that a misreading of the documents is not made twice.
//
// # What the documents say
//
//   - Rows stand newest first, by the second of their start. A page is start_number (0), limit (20, at most 100); both are echoed, defaults too.
//   - total_number counts the rows that the filter lets through. Past the last row a page is empty.
//   - log_id, start_time, end_time, type (a comma list) and status filter together. Unknown parameters are ignored.
//   - Members stand in the order of the sample. The lists are there by type: those of instances, or on MODIFY_ELB those of load balancers.
//   - 400 AS.9001 start_time, AS.9002 end_time (yyyy-MM-ddThh:mm:ssZ and nothing else), AS.9003 start_number, AS.9004 limit, AS.9005 log_id,
//     AS.9012 type, AS.9013 status.
//   - 400 AS.2007 unknown group, AS.2009 empty group id, AS.0008 project of another token, AS.0031 right missing, AS.8004 account frozen.
//   - 403 AS.0011 role missing. 404 AS.0007 unknown path, AS.0033 unknown version, APIG.0101 nothing of the service. 405 any method but GET.
//   - 401 for tokens and for signatures (SDK-HMAC-SHA256). A clock off by over 15 minutes is refused; over five failures lock a key for five minutes.
//   - 429 APIG.0308 and all other statuses come by Fault, in each known shape of an error's body.
//   - X-Request-Id (32 hexadecimal digits) is on every answer; the gateway repeats it in the body. Answers are compressed for those who accept gzip.
//
// # What they leave open, and what happens here
//
// A switch each, first its default:
//
//   - Window: start_time tests starts and end_time ends; both starts; both ends.
//   - DoingInWindow: a row without an end fails a test of ends; passes it.
//   - Bounds: inclusive; exclusive; half open.
//   - LimitZero: an empty page with a true total; the default of 20; 400 AS.9004.
//   - Ties (order inside one second): last inserted first; last inserted last; by id; another one in every answer.
//   - Spelling, FilterSpelling: MANNUAL in answers and filters; MANUAL; in filters either.
//   - UnknownFilter: 400; nothing matches (of several types, the known ones do).
//   - ScalingValue: a number; text.
//   - DoingEnd: end_time absent; null; "". Fractions: none; milliseconds.
//   - Lists: by type; empty ones null; []; absent. instance_standby_list belongs to the standby types.
//   - Refusal: 401 by the gateway; by the service.
//   - RetryAfter: absent; seconds; a date.
//   - Version: 404; 400.
//
// Chosen without a switch, for want of any hint:
//
//   - Of a repeated parameter the first counts. A parameter that is there but empty is malformed, as is an empty item of a list of types.
//   - Numbers are decimal digits alone, at most 2147483647. Types and statuses are case-sensitive; status takes one value.
//   - end_time before start_time is an empty page.
//   - The order of refusals: unknown service, method, credentials, version and path, project, rights, parameters (times, numbers, log_id, type,
//     status), group.
//   - The retention is whoever calls Expire or ExpireBefore; a removed group answers AS.2007.
//   - failed_details, instance_config and listener are text without a form. 405 carries APIG.0101, the code of an unpublished method.
//   - A body of less than 256 bytes is not compressed.
package emulator
