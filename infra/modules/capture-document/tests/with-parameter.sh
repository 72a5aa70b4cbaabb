echo "{{ global:REGION }}"
