//! Countries: codes and English names, so that either finds the other. Data and its look-up.

use crate::suggest::suggest;

/// A country's code (ISO 3166-1 alpha-2) and its names, the usual one first.
type Country = (&'static str, &'static [&'static str]);

/// A country as a filter wants it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct CountryTest {
    code: String,
    /// Its code and names, as [`plain`] gives them.
    spellings: Vec<String>,
}

impl CountryTest {
    /// Reads a code or a name. Two letters are a code, also where no country has it: the service may know more.
    pub(super) fn parse(text: &str) -> Result<CountryTest, String> {
        let wanted = plain(text);
        let known = COUNTRIES.iter().find(|country| spellings(country).any(|name| plain(name) == wanted));
        if let Some(country) = known {
            let spellings = spellings(country).map(plain).collect();
            return Ok(CountryTest { code: country.0.to_owned(), spellings });
        }
        if wanted.len() == 2 && wanted.bytes().all(|byte| byte.is_ascii_alphabetic()) {
            return Ok(CountryTest { code: wanted.to_ascii_uppercase(), spellings: vec![wanted] });
        }
        let names = COUNTRIES.iter().flat_map(|country| country.1).copied();
        Err(match suggest(text, names) {
            Some(name) => format!("no such country; did you mean {name}?"),
            None => "no such country".to_owned(),
        })
    }

    /// Its code.
    pub(super) fn code(&self) -> &str {
        &self.code
    }

    /// Whether `value`, a code or a name, is this country.
    pub(super) fn matches(&self, value: &str) -> bool {
        if value.is_empty() {
            return false;
        }
        if value.len() == 2 {
            return value.eq_ignore_ascii_case(&self.code);
        }
        let value = plain(value);
        self.spellings.contains(&value)
    }
}

/// The usual English name of a country, by its code or any of its names; none where it is no country's.
pub fn country_name(text: &str) -> Option<&'static str> {
    let wanted = plain(text);
    let found = COUNTRIES.iter().find(|country| spellings(country).any(|name| plain(name) == wanted))?;
    found.1.first().copied()
}

/// Every country's code and usual English name.
pub fn countries() -> impl Iterator<Item = (&'static str, &'static str)> {
    COUNTRIES.iter().filter_map(|(code, names)| Some((*code, *names.first()?)))
}

fn spellings(country: &Country) -> impl Iterator<Item = &'static str> {
    std::iter::once(country.0).chain(country.1.iter().copied())
}

/// Letters and digits in lower case, `&` as `and`: what two spellings of one name have in common.
fn plain(text: &str) -> String {
    let text = text.replace('&', "and");
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// Every country, by code.
const COUNTRIES: &[Country] = &[
    ("AD", &["Andorra"]),
    ("AE", &["United Arab Emirates", "UAE"]),
    ("AF", &["Afghanistan"]),
    ("AG", &["Antigua & Barbuda"]),
    ("AI", &["Anguilla"]),
    ("AL", &["Albania"]),
    ("AM", &["Armenia"]),
    ("AO", &["Angola"]),
    ("AQ", &["Antarctica"]),
    ("AR", &["Argentina"]),
    ("AS", &["American Samoa"]),
    ("AT", &["Austria"]),
    ("AU", &["Australia"]),
    ("AW", &["Aruba"]),
    ("AX", &["Åland Islands", "Aland Islands"]),
    ("AZ", &["Azerbaijan"]),
    ("BA", &["Bosnia & Herzegovina"]),
    ("BB", &["Barbados"]),
    ("BD", &["Bangladesh"]),
    ("BE", &["Belgium"]),
    ("BF", &["Burkina Faso"]),
    ("BG", &["Bulgaria"]),
    ("BH", &["Bahrain"]),
    ("BI", &["Burundi"]),
    ("BJ", &["Benin"]),
    ("BL", &["Saint Barthélemy", "Saint Barthelemy", "St. Barthélemy"]),
    ("BM", &["Bermuda"]),
    ("BN", &["Brunei", "Brunei Darussalam"]),
    ("BO", &["Bolivia", "Bolivia, Plurinational State of"]),
    ("BQ", &["Caribbean Netherlands"]),
    ("BR", &["Brazil"]),
    ("BS", &["Bahamas"]),
    ("BT", &["Bhutan"]),
    ("BV", &["Bouvet Island"]),
    ("BW", &["Botswana"]),
    ("BY", &["Belarus"]),
    ("BZ", &["Belize"]),
    ("CA", &["Canada"]),
    ("CC", &["Cocos (Keeling) Islands"]),
    ("CD", &["Congo - Kinshasa", "DR Congo", "Democratic Republic of the Congo"]),
    ("CF", &["Central African Republic"]),
    ("CG", &["Congo - Brazzaville", "Congo", "Republic of the Congo"]),
    ("CH", &["Switzerland"]),
    ("CI", &["Côte d'Ivoire", "Ivory Coast", "Cote d'Ivoire"]),
    ("CK", &["Cook Islands"]),
    ("CL", &["Chile"]),
    ("CM", &["Cameroon"]),
    ("CN", &["China", "People's Republic of China"]),
    ("CO", &["Colombia"]),
    ("CR", &["Costa Rica"]),
    ("CU", &["Cuba"]),
    ("CV", &["Cape Verde", "Cabo Verde"]),
    ("CW", &["Curaçao", "Curacao"]),
    ("CX", &["Christmas Island"]),
    ("CY", &["Cyprus"]),
    ("CZ", &["Czechia", "Czech Republic"]),
    ("DE", &["Germany"]),
    ("DJ", &["Djibouti"]),
    ("DK", &["Denmark"]),
    ("DM", &["Dominica"]),
    ("DO", &["Dominican Republic"]),
    ("DZ", &["Algeria"]),
    ("EC", &["Ecuador"]),
    ("EE", &["Estonia"]),
    ("EG", &["Egypt"]),
    ("EH", &["Western Sahara"]),
    ("ER", &["Eritrea"]),
    ("ES", &["Spain"]),
    ("ET", &["Ethiopia"]),
    ("FI", &["Finland"]),
    ("FJ", &["Fiji"]),
    ("FK", &["Falkland Islands"]),
    ("FM", &["Micronesia", "Federated States of Micronesia"]),
    ("FO", &["Faroe Islands"]),
    ("FR", &["France"]),
    ("GA", &["Gabon"]),
    ("GB", &["United Kingdom", "UK", "Great Britain", "Britain"]),
    ("GD", &["Grenada"]),
    ("GE", &["Georgia"]),
    ("GF", &["French Guiana"]),
    ("GG", &["Guernsey"]),
    ("GH", &["Ghana"]),
    ("GI", &["Gibraltar"]),
    ("GL", &["Greenland"]),
    ("GM", &["Gambia"]),
    ("GN", &["Guinea"]),
    ("GP", &["Guadeloupe"]),
    ("GQ", &["Equatorial Guinea"]),
    ("GR", &["Greece"]),
    ("GS", &["South Georgia & South Sandwich Islands"]),
    ("GT", &["Guatemala"]),
    ("GU", &["Guam"]),
    ("GW", &["Guinea-Bissau"]),
    ("GY", &["Guyana"]),
    ("HK", &["Hong Kong SAR China", "Hong Kong"]),
    ("HM", &["Heard & McDonald Islands"]),
    ("HN", &["Honduras"]),
    ("HR", &["Croatia"]),
    ("HT", &["Haiti"]),
    ("HU", &["Hungary"]),
    ("ID", &["Indonesia"]),
    ("IE", &["Ireland", "Republic of Ireland"]),
    ("IL", &["Israel"]),
    ("IM", &["Isle of Man"]),
    ("IN", &["India"]),
    ("IO", &["British Indian Ocean Territory"]),
    ("IQ", &["Iraq"]),
    ("IR", &["Iran", "Iran, Islamic Republic of"]),
    ("IS", &["Iceland"]),
    ("IT", &["Italy"]),
    ("JE", &["Jersey"]),
    ("JM", &["Jamaica"]),
    ("JO", &["Jordan"]),
    ("JP", &["Japan"]),
    ("KE", &["Kenya"]),
    ("KG", &["Kyrgyzstan"]),
    ("KH", &["Cambodia"]),
    ("KI", &["Kiribati"]),
    ("KM", &["Comoros"]),
    ("KN", &["Saint Kitts & Nevis", "St. Kitts & Nevis"]),
    ("KP", &["North Korea", "Korea, Democratic People's Republic of"]),
    ("KR", &["South Korea", "Korea", "Republic of Korea", "Korea, Republic of"]),
    ("KW", &["Kuwait"]),
    ("KY", &["Cayman Islands"]),
    ("KZ", &["Kazakhstan"]),
    ("LA", &["Laos", "Lao People's Democratic Republic"]),
    ("LB", &["Lebanon"]),
    ("LC", &["Saint Lucia", "St. Lucia"]),
    ("LI", &["Liechtenstein"]),
    ("LK", &["Sri Lanka"]),
    ("LR", &["Liberia"]),
    ("LS", &["Lesotho"]),
    ("LT", &["Lithuania"]),
    ("LU", &["Luxembourg"]),
    ("LV", &["Latvia"]),
    ("LY", &["Libya"]),
    ("MA", &["Morocco"]),
    ("MC", &["Monaco"]),
    ("MD", &["Moldova", "Moldova, Republic of", "Republic of Moldova"]),
    ("ME", &["Montenegro"]),
    ("MF", &["Saint Martin", "St. Martin"]),
    ("MG", &["Madagascar"]),
    ("MH", &["Marshall Islands"]),
    ("MK", &["North Macedonia", "Macedonia"]),
    ("ML", &["Mali"]),
    ("MM", &["Myanmar (Burma)", "Myanmar", "Burma"]),
    ("MN", &["Mongolia"]),
    ("MO", &["Macao SAR China", "Macao", "Macau"]),
    ("MP", &["Northern Mariana Islands"]),
    ("MQ", &["Martinique"]),
    ("MR", &["Mauritania"]),
    ("MS", &["Montserrat"]),
    ("MT", &["Malta"]),
    ("MU", &["Mauritius"]),
    ("MV", &["Maldives"]),
    ("MW", &["Malawi"]),
    ("MX", &["Mexico"]),
    ("MY", &["Malaysia"]),
    ("MZ", &["Mozambique"]),
    ("NA", &["Namibia"]),
    ("NC", &["New Caledonia"]),
    ("NE", &["Niger"]),
    ("NF", &["Norfolk Island"]),
    ("NG", &["Nigeria"]),
    ("NI", &["Nicaragua"]),
    ("NL", &["Netherlands", "The Netherlands", "Holland"]),
    ("NO", &["Norway"]),
    ("NP", &["Nepal"]),
    ("NR", &["Nauru"]),
    ("NU", &["Niue"]),
    ("NZ", &["New Zealand"]),
    ("OM", &["Oman"]),
    ("PA", &["Panama"]),
    ("PE", &["Peru"]),
    ("PF", &["French Polynesia"]),
    ("PG", &["Papua New Guinea"]),
    ("PH", &["Philippines"]),
    ("PK", &["Pakistan"]),
    ("PL", &["Poland"]),
    ("PM", &["Saint Pierre & Miquelon", "St. Pierre & Miquelon"]),
    ("PN", &["Pitcairn Islands"]),
    ("PR", &["Puerto Rico"]),
    ("PS", &["Palestinian Territories", "Palestine", "State of Palestine", "Palestine, State of"]),
    ("PT", &["Portugal"]),
    ("PW", &["Palau"]),
    ("PY", &["Paraguay"]),
    ("QA", &["Qatar"]),
    ("RE", &["Réunion", "Reunion"]),
    ("RO", &["Romania"]),
    ("RS", &["Serbia"]),
    ("RU", &["Russia", "Russian Federation"]),
    ("RW", &["Rwanda"]),
    ("SA", &["Saudi Arabia"]),
    ("SB", &["Solomon Islands"]),
    ("SC", &["Seychelles"]),
    ("SD", &["Sudan"]),
    ("SE", &["Sweden"]),
    ("SG", &["Singapore"]),
    ("SH", &["Saint Helena", "St. Helena"]),
    ("SI", &["Slovenia"]),
    ("SJ", &["Svalbard & Jan Mayen"]),
    ("SK", &["Slovakia"]),
    ("SL", &["Sierra Leone"]),
    ("SM", &["San Marino"]),
    ("SN", &["Senegal"]),
    ("SO", &["Somalia"]),
    ("SR", &["Suriname"]),
    ("SS", &["South Sudan"]),
    ("ST", &["São Tomé & Príncipe", "Sao Tome and Principe"]),
    ("SV", &["El Salvador"]),
    ("SX", &["Sint Maarten"]),
    ("SY", &["Syria", "Syrian Arab Republic"]),
    ("SZ", &["Eswatini", "Swaziland"]),
    ("TC", &["Turks & Caicos Islands"]),
    ("TD", &["Chad"]),
    ("TF", &["French Southern Territories"]),
    ("TG", &["Togo"]),
    ("TH", &["Thailand"]),
    ("TJ", &["Tajikistan"]),
    ("TK", &["Tokelau"]),
    ("TL", &["Timor-Leste", "East Timor"]),
    ("TM", &["Turkmenistan"]),
    ("TN", &["Tunisia"]),
    ("TO", &["Tonga"]),
    ("TR", &["Türkiye", "Turkey"]),
    ("TT", &["Trinidad & Tobago"]),
    ("TV", &["Tuvalu"]),
    ("TW", &["Taiwan", "Taiwan, Province of China"]),
    ("TZ", &["Tanzania", "Tanzania, United Republic of"]),
    ("UA", &["Ukraine"]),
    ("UG", &["Uganda"]),
    ("UM", &["U.S. Outlying Islands"]),
    ("US", &["United States", "USA", "United States of America", "America"]),
    ("UY", &["Uruguay"]),
    ("UZ", &["Uzbekistan"]),
    ("VA", &["Vatican City", "Vatican", "Holy See"]),
    ("VC", &["Saint Vincent & Grenadines", "St. Vincent & Grenadines"]),
    ("VE", &["Venezuela", "Venezuela, Bolivarian Republic of"]),
    ("VG", &["British Virgin Islands"]),
    ("VI", &["U.S. Virgin Islands"]),
    ("VN", &["Vietnam"]),
    ("VU", &["Vanuatu"]),
    ("WF", &["Wallis & Futuna"]),
    ("WS", &["Samoa"]),
    ("XK", &["Kosovo"]),
    ("YE", &["Yemen"]),
    ("YT", &["Mayotte"]),
    ("ZA", &["South Africa"]),
    ("ZM", &["Zambia"]),
    ("ZW", &["Zimbabwe"]),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_finds_the_name_and_a_name_the_code() {
        for (typed, value) in [
            ("DE", "Germany"),
            ("de", "DE"),
            ("germany", "de"),
            ("Viet Nam", "Vietnam"),
            ("vietnam", "VN"),
            ("Côte d'Ivoire", "CI"),
            ("UK", "United Kingdom"),
            ("usa", "United States"),
            ("Trinidad and Tobago", "Trinidad & Tobago"),
            ("ZZ", "zz"),
        ] {
            assert!(CountryTest::parse(typed).unwrap().matches(value), "{typed} {value}");
        }
        let germany = CountryTest::parse("DE").unwrap();
        assert!(!["", "DK", "Denmark", "Germ", "DEU"].iter().any(|value| germany.matches(value)));
    }

    #[test]
    fn a_mistyped_country_gets_the_nearest_name() {
        assert_eq!(CountryTest::parse("Germny").unwrap_err(), "no such country; did you mean Germany?");
        assert_eq!(CountryTest::parse("Qqqqqqq").unwrap_err(), "no such country");
    }

    #[test]
    fn no_spelling_stands_for_two_countries() {
        let mut all: Vec<String> =
            COUNTRIES.iter().flat_map(|country| spellings(country).map(plain)).collect();
        let count = all.len();
        all.sort();
        all.dedup();
        assert_eq!(all.len(), count);
    }
}
