-- Leaves a cancel request beside a job. ARGV: prefix, id. Returns 0 where there is no such job.
local id = ARGV[2]
local ended = redis.call('HGET', job_key(id), 'ended')
if not ended then return 0 end
redis.call('HSET', job_key(id), 'canceled', 1)
if ended == '0' then redis.call('ZADD', key('attention'), stamp(now_s()), id) end
return 1
