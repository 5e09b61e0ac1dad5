-- What was done how often, day by day?
-- opev summary --by action,day --since 7d
select action, cast(date as varchar(10)) as day, count(*) as count
from events
where date >= cast(now() - interval 7 day as date) and timestamp >= now() - interval 7 day
group by 1, 2
order by 2, 3 desc, 1;
