-- Counts a field of a job up. ARGV: prefix, id, field, by. Returns the new number, or false without such a job.
if redis.call('EXISTS', job_key(ARGV[2])) == 0 then return false end
return redis.call('HINCRBY', job_key(ARGV[2]), ARGV[3], ARGV[4])
