"""Which facts of the register are given to other systems together.

A fact that is in no group is given to nobody: a new one waits until somebody has decided.
"""

from core.sharing import FieldGroup

# Numbers that say which row it is. They say nothing else and are always given.
KEYS = frozenset({"household_no", "person_no"})

_MEMBERS: dict[FieldGroup, str] = {
    FieldGroup.BASIC: """
        name sex ethnicity first_identified_on identified_on
        identification_standard household_attribute exit_status exit_year identified_year main_cause
        other_causes relapse_cause household_type monitor_category risk_cleared identified_month
        cleared_month member_count head_name head_person_no is_martyr_family is_only_child_family
        is_two_daughter_family
        relation_to_head education_level student_status labour_capacity work_area work_months
        work_employer work_place works_abroad industry_class employment_channel public_post_type
        public_post_months dropout_reason speaks_mandarin political_status is_serviceman
        has_worked plans_to_work service_need planned_county
        risk_1 risk_2 risk_3 risk_4 risk_5 disaster_sub_item clear_mode whole_household_no_labour
        development_measure_state measure_education member_count_current
    """,
    FieldGroup.INCOME: """
        income_wage income_business income_property property_asset_dividend property_other
        income_transfer transfer_family_planning transfer_dibao transfer_tekun transfer_pension
        transfer_ecology transfer_other expense_business income_total net_income
        net_income_per_capita has_dibao has_tekun
        wage_public_post wage_other reward_industry reward_employment expense_business_gross
        subsidy_reducing_expense
    """,
    FieldGroup.LIVING: """
        farmland_mu irrigated_mu forest_mu returned_forest_mu orchard_mu grassland_mu
        water_surface_mu has_production_power has_domestic_power drinking_difficult drinking_safe
        safe_water_solved has_broadcast distance_to_main_road_km access_road_type house_area_m2
        is_dangerous_house dangerous_house_level has_sanitary_toilet main_fuel in_cooperative
        led_by_enterprise led_by_entrepreneur
        in_resident_medical in_major_illness_insurance in_employee_medical in_commercial_medical
        in_resident_pension in_employee_pension
        production_house_m2 poultry cattle sheep pigs is_relocation_household drinking_source
        access_road_hardened industry_help_type
    """,
    FieldGroup.CONTACT: """
        natural_village_name address phone village_phone member_phone collector collector_phone
    """,
    FieldGroup.BANK: "bank_name bank_account",
    FieldGroup.IDENTITY: "id_no head_id_no",
    FieldGroup.HEALTH: """
        health_status disability_type disability_cert_year medical_aid_major health_help_other
        cause_note measure_health compliant_self_paid_expense
    """,
    # Beside a masked number the date of birth would put it together again.
    FieldGroup.IDENTITY_FULL: "birth_date id_type",
}
GROUP_OF: dict[str, FieldGroup] = {
    name: group for group, names in _MEMBERS.items() for name in names.split()
}
