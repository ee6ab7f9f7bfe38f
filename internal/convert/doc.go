// Package convert moves rows from sources to files and loses none: the engine
// of bdconvert.
//
//	Job ─► plan: sources ─► tasks (a file each, or a stretch of splits) ─► state (what is reserved, what is done)
//	task ─► splits ─► shape (cast, rename, add) ─► series (parts by rows, bytes) | partitioner (a series a folder)
//	     ─► part: sort within ─► format's sink ─► hash ─► filesystem ─► Commit ─► verify ─► state
//	all tasks done ─► rows in == rows out ─► manifest ─► success file ─► old files removed ─► state removed
//
// A part's name is reserved, in the state too, before the part is opened, and
// nothing is there under it before the part is complete. What a job that was
// stopped has left under reserved names is removed or replaced when it is
// resumed; tasks that the state tells are done are not run again.
//
// The same pieces run in many processes: [Job.Tokens] plans, [Work] writes parts
// that nobody sees yet, [Publish] checks that every split was written once and
// gives the parts their names.
package convert
